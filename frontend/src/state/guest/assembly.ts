/** An instruction's text as people like to read it: no size where a register tells it, no blanks inside brackets. */

const REGISTER =
  /\b(?:[re]?[abcd]x|[abcd][lh]|[re]?(?:si|di|bp|sp)|(?:si|di|bp|sp)l|r(?:8|9|1[0-5])[dwb]?)\b/;
const SIZE = /\b(qword|dword|word|byte) ptr /g;

export function compactInsn(text: string): string {
  const outside = text.replace(/\[[^\]]*\]/g, "");
  const isTold = REGISTER.test(outside.replace(/^\S+/, "")) && !/^(movzx|movsx|movsxd)\b/.test(text);
  return text
    .replace(SIZE, (_, size: string) => (isTold ? "" : `${size} `))
    .replace(/\[[^\]]*\]/g, (operand) => operand.replace(/\s+/g, ""))
    .replace(/^(\S+) offset /, "$1 ");
}
