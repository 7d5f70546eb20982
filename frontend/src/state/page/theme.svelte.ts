/** Light or dark: the system's choice until somebody makes their own, which the browser remembers. */

const KEY = "trapscope.theme";

export class Theme {
  chosen = $state<"light" | "dark" | null>(null);

  constructor() {
    const stored = read();
    if (stored === "light" || stored === "dark") this.chosen = stored;
    this.#apply();
  }

  toggle(): void {
    const isDark =
      this.chosen === null ? matchMedia("(prefers-color-scheme: dark)").matches : this.chosen === "dark";
    this.chosen = isDark ? "light" : "dark";
    this.#apply();
    write(this.chosen);
  }

  #apply(): void {
    if (this.chosen !== null) document.documentElement.dataset["theme"] = this.chosen;
  }
}

/** Storage may be forbidden (a private window, an embedding page): then the choice lasts as long as the page. */
function read(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function write(value: string): void {
  try {
    localStorage.setItem(KEY, value);
  } catch {
    return;
  }
}

export const theme = new Theme();
