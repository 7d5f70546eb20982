/** A value over time: what held from which moment on. Entries come in order; a question is a binary search. */

export class History<T> {
  readonly #moments: number[] = [];
  readonly #values: T[] = [];

  constructor(initial: T) {
    this.#moments.push(0);
    this.#values.push(initial);
  }

  /** From `moment` on, the value is `value`. */
  set(moment: number, value: T): void {
    if (this.#values.at(-1) === value) return;
    if (this.#moments.at(-1) === moment) this.#values[this.#values.length - 1] = value;
    else {
      this.#moments.push(moment);
      this.#values.push(value);
    }
  }

  at(moment: number): T {
    let low = 0;
    let high = this.#moments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#moments[middle] ?? Infinity) <= moment) low = middle + 1;
      else high = middle;
    }
    return this.#values[Math.max(low - 1, 0)] as T;
  }

  get last(): T {
    return this.#values[this.#values.length - 1] as T;
  }

  /** Forgets what was set for later than `moment`. */
  truncate(moment: number): void {
    while (this.#moments.length > 1 && (this.#moments.at(-1) ?? 0) > moment) {
      this.#moments.pop();
      this.#values.pop();
    }
  }

  /** The moments at which the value changed, the first one being 0. */
  get moments(): readonly number[] {
    return this.#moments;
  }
}
