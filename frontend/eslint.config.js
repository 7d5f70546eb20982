import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";
import svelteConfig from "./svelte.config.js";

/** The layers, lowest first, and what each may import beside itself. */
const MAY_IMPORT = {
  lib: [],
  wire: ["lib"],
  state: ["lib", "wire"],
  copy: ["lib", "wire", "state"],
  ui: ["lib"],
  views: ["lib", "state", "copy", "ui"],
};

/** The rooms inside a layer, lowest first: a room may import itself and those before it. */
const ROOMS = {
  state: ["guest", "run", "stage", "timeline", "story", "session", "why", "page"],
  views: ["stage", "timeline", "story", "why", "dialogs", "page"],
};

const restricted = (patterns) => ({ "no-restricted-imports": ["error", { patterns }] });

/** Imports of layers that `layer` may not know. */
const otherLayers = (layer) => {
  const others = Object.keys(MAY_IMPORT).filter(
    (other) => other !== layer && !MAY_IMPORT[layer].includes(other),
  );
  return {
    regex: `^(\\.\\./)+(${others.join("|")})/`,
    message: `${layer}/ stands below it or beside it (lib ► wire ► state ► copy ► views, and ui).`,
  };
};

/** Imports of rooms that stand above `room`. */
const roomsAbove = (layer, room) => {
  const above = ROOMS[layer].slice(ROOMS[layer].indexOf(room) + 1);
  if (above.length === 0) return [];
  const message = `${layer}/${room}/ stands below it (${ROOMS[layer].join(" ► ")}).`;
  return [{ regex: `^\\.\\./(${above.join("|")})/`, message }];
};

/** bigint lives in lib/hex.ts only; everything else handles 64-bit values through its functions. */
const NO_BIGINT = [
  { selector: "Literal[bigint]", message: "bigint lives in lib/hex.ts only." },
  { selector: "TSBigIntKeyword", message: "bigint lives in lib/hex.ts only." },
  {
    selector: "Identifier[name=/^(BigInt|BigUint64Array|BigInt64Array)$/]",
    message: "bigint lives in lib/hex.ts only.",
  },
];

export default ts.config(
  { ignores: ["node_modules/", "src/wire/wire.gen.ts"] },
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser } },
    rules: {
      "no-restricted-syntax": ["error", ...NO_BIGINT],
      "@typescript-eslint/consistent-type-imports": "error",
      // URLs are built, used and dropped here; none of them is state.
      "svelte/prefer-svelte-reactivity": "off",
      eqeqeq: "error",
      "no-console": "error",
    },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: [".svelte"], svelteConfig } },
  },
  { files: ["src/lib/hex.ts", "tests/**"], rules: { "no-restricted-syntax": "off" } },
  ...Object.keys(MAY_IMPORT).map((layer) => ({
    files: [`src/${layer}/**`],
    rules: restricted([otherLayers(layer)]),
  })),
  ...Object.entries(ROOMS).flatMap(([layer, rooms]) =>
    rooms.map((room) => ({
      files: [`src/${layer}/${room}/**`],
      rules: restricted([otherLayers(layer), ...roomsAbove(layer, room)]),
    })),
  ),
);
