/**
 * What the page knows of the guest kernel's ELF: names, structures, sources, machine code.
 *
 * Sources and code are fetched when a run is seen to use them, before anybody looks there: moving the cursor asks nobody.
 */

import { u64 } from "../../lib/hex";
import { fetchStruct, fetchSymbols, fetchText } from "../../wire/rest";
import type { StructInfo, SymbolInfo } from "../../wire/wire.gen";
import { Layout } from "./layout";
import { type Line, Listing } from "./listing";
import { SymbolTable } from "./symbols";

const STRUCTS = ["task_struct", "ftrace_int3_stack", "pt_regs"] as const;
export type StructName = (typeof STRUCTS)[number];

export class Guest {
  readonly symbols: SymbolTable;
  readonly #layouts: ReadonlyMap<string, Layout>;
  readonly #sources = new Map<string, readonly string[]>();
  readonly #assembly = new Map<string, readonly Line[]>();
  readonly #listings = new Map<string, Listing>();
  readonly #asked = new Set<string>();

  constructor(symbols: readonly SymbolInfo[], structs: readonly StructInfo[]) {
    this.symbols = new SymbolTable(symbols);
    this.#layouts = new Map(structs.map((info) => [info.name, new Layout(info)]));
  }

  static async fetch(): Promise<Guest> {
    const [symbols, ...structs] = await Promise.all([fetchSymbols(), ...STRUCTS.map(fetchStruct)]);
    return new Guest(symbols.symbols, structs);
  }

  layout(name: StructName): Layout {
    const layout = this.#layouts.get(name);
    if (layout === undefined) throw new RangeError(`the guest has no struct ${name}`);
    return layout;
  }

  /** The lines of a source file, or null while it has not been fetched. */
  readonly source = (file: string): readonly string[] | null => this.#sources.get(file) ?? null;

  /** A function's listing, or null while its instructions have not been fetched. */
  listing(symbol: string): Listing | null {
    const lines = this.#assembly.get(symbol);
    if (lines === undefined) return null;
    const listing = this.#listings.get(symbol) ?? new Listing(lines, this.source);
    this.#listings.set(symbol, listing);
    return listing;
  }

  /** Fetches what is not there yet. What cannot be had stays null. */
  async need(functions: Iterable<string>, files: Iterable<string>): Promise<void> {
    const [symbols, sources] = [this.#fresh("asm", functions), this.#fresh("src", files)];
    if (symbols.length + sources.length === 0) return;
    const text = await fetchText(symbols, sources).catch(() => null);
    for (const { symbol, lines } of text?.assemblies ?? []) {
      this.#assembly.set(
        symbol,
        lines.map((line) => ({ ...line, at: u64(line.address) })),
      );
    }
    for (const source of text?.sources ?? []) this.#sources.set(source.path, source.text.split("\n"));
    this.#listings.clear();
  }

  #fresh(kind: string, names: Iterable<string>): string[] {
    const fresh = [...new Set(names)].filter((name) => !this.#asked.has(`${kind}:${name}`));
    for (const name of fresh) this.#asked.add(`${kind}:${name}`);
    return fresh;
  }
}
