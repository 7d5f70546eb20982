import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";
import svelteConfig from "./svelte.config.js";

/** The layers, lowest first: a folder may import itself and what stands before it. */
const LAYERS = ["lib", "wire", "state", "copy", "ui", "views"];
const MAY_IMPORT = {
  lib: [],
  wire: ["lib"],
  state: ["lib", "wire"],
  copy: ["lib", "wire", "state"],
  ui: ["lib"],
  views: ["lib", "state", "copy", "ui"],
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
  ...LAYERS.map((layer) => ({
    files: [`src/${layer}/**`],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: LAYERS.filter((other) => other !== layer && !MAY_IMPORT[layer].includes(other)).map(
                (other) => `**/${other}/*`,
              ),
              message: `${layer}/ stands below it or beside it (wire ► state ► views and ui).`,
            },
          ],
        },
      ],
    },
  })),
);
