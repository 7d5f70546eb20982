/** Every message that the schema knows has words: an event made of nothing but its schema's types must tell a sentence. */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { EVENT_NAMES, tell, troubleText } from "../../src/copy/en";
import type { LensEvent } from "../../src/wire/wire.gen";

interface Schema {
  $ref?: string;
  const?: unknown;
  enum?: unknown[];
  type?: string;
  pattern?: string;
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
}

const path = join(dirname(fileURLToPath(import.meta.url)), "../../src/wire/wire.schema.json");
const root = JSON.parse(readFileSync(path, "utf8")) as { $defs: Record<string, Schema> };

function resolve(schema: Schema): Schema {
  return schema.$ref === undefined ? schema : resolve(root.$defs[schema.$ref.replace("#/$defs/", "")] ?? {});
}

function sample(given: Schema): unknown {
  const schema = resolve(given);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const [option] = schema.anyOf ?? schema.oneOf ?? [];
  if (option !== undefined) return sample(option);
  if (schema.type === "object") {
    return Object.fromEntries(
      Object.entries(schema.properties ?? {}).map(([name, inner]) => [name, sample(inner)]),
    );
  }
  if (schema.type === "array") return schema.items === undefined ? [] : [sample(schema.items)];
  if (schema.type === "integer") return 1;
  if (schema.type === "boolean") return true;
  return schema.pattern?.startsWith("^0x") ? "0x10" : schema.pattern === undefined ? "name" : "cc";
}

const union = resolve(root.$defs["LensEvent"] ?? {});
const events = (union.oneOf ?? union.anyOf ?? []).map((schema) => sample(schema) as LensEvent);

describe("the page's words", () => {
  it("name every event of the schema", () => {
    expect(events.map(({ event }) => event).toSorted()).toEqual(Object.keys(EVENT_NAMES).toSorted());
  });

  it("tell how to begin", () => {
    expect(tell({ is: "start", cpu: 0, function: "scenario_start" })).toContain("`scenario_start`");
  });

  it("have a way on for every trouble", () => {
    for (const trouble of [
      { is: "server-gone" },
      { is: "bad-link", detail: "m=x" },
      { is: "unknown-scenario", name: "nope" },
      { is: "no-scenarios" },
      { is: "session-expired" },
      { is: "refused", detail: "too many" },
    ] as const) {
      const { title, text, action } = troubleText(trouble);
      expect([title, text, action].every((words) => words.length > 4)).toBe(true);
    }
  });
});
