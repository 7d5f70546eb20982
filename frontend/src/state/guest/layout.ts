/** Where the members of a guest structure lie, from the ELF's DWARF; no offset is typed in by hand. */

import type { MemberInfo, StructInfo } from "../../wire/wire.gen";

export class Layout {
  readonly name: string;
  readonly size: number;
  readonly members: readonly MemberInfo[];

  constructor(info: StructInfo) {
    this.name = info.name;
    this.size = info.size;
    this.members = info.members;
  }

  find(path: string): MemberInfo | null {
    return this.members.find((member) => member.path === path) ?? null;
  }

  /** The member that covers `offset`, innermost first. */
  at(offset: number): MemberInfo | null {
    const covering = this.members.filter(
      (member) => member.offset <= offset && offset < member.offset + member.size,
    );
    return covering.reduce<MemberInfo | null>(
      (best, member) => (best === null || member.size <= best.size ? member : best),
      null,
    );
  }

  /** The outermost members below `prefix` ("" for the structure itself), in order of offset. */
  children(prefix: string): MemberInfo[] {
    const head = prefix === "" ? "" : `${prefix}.`;
    return this.members
      .filter((member) => member.path.startsWith(head) && !member.path.slice(head.length).includes("."))
      .toSorted((a, b) => a.offset - b.offset);
  }
}
