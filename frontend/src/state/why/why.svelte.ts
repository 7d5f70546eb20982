/** A question about a value and its answer: the chain of steps that it came through, as the server works it out. */

import { fetchWhy } from "../../wire/rest";
import type { Why as Chain } from "../../wire/wire.gen";
import { type Failure, failureOf } from "../session/failure";

/** A value at a moment. */
export interface Question {
  /** As the server's queries name a place: "0xffffffff81002000+8". */
  readonly target: string;
  /** What the page calls it. */
  readonly name: string;
  readonly at: number;
}

export type Answer =
  /** No value was pointed at. */
  | { readonly is: "no-question" }
  | { readonly is: "asked"; readonly question: Question }
  | { readonly is: "told"; readonly question: Question; readonly chain: Chain }
  | { readonly is: "failed"; readonly question: Question; readonly why: Failure };

export class Why {
  /** Null while the panel is closed. */
  answer = $state.raw<Answer | null>(null);
  #turn = 0;

  /** Asks; an answer to an older question that comes later is dropped. */
  async ask(session: string, question: Question): Promise<void> {
    const turn = ++this.#turn;
    this.answer = { is: "asked", question };
    let answer: Answer;
    try {
      answer = { is: "told", question, chain: await fetchWhy(session, question.target, question.at) };
    } catch (error) {
      answer = { is: "failed", question, why: failureOf(error) };
    }
    if (turn === this.#turn) this.answer = answer;
  }

  /** Opens the panel without a question: it says how to ask one. */
  open(): void {
    this.#turn += 1;
    this.answer = { is: "no-question" };
  }

  close(): void {
    this.#turn += 1;
    this.answer = null;
  }
}
