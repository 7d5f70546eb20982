/** The patch is quoted word for word: each passage must stand in the message of the seed patch, as the backend keeps it. */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { PASSAGES } from "../../src/copy/patch";

const here = dirname(fileURLToPath(import.meta.url));
const sentences = readFileSync(join(here, "../../../backend/trapscope/core/session/sentences.py"), "utf8")
  .replace(/"\n\s*"|'\n\s*"|"\n\s*'|'\n\s*'/g, "")
  .replaceAll("\\'", "'")
  .replace(/\s+/g, " ");

it.each(Object.entries(PASSAGES))("%s is quoted word for word", (_, passage) => {
  for (const sentence of passage.replace(/[⟦⟧]/g, "").split(/(?<=\.) (?=[A-Z])/)) {
    expect(sentences).toContain(sentence);
  }
});
