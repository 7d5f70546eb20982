/** What is said where a part of the page has failed, and the ways on. */
export interface ContainedWords {
  readonly title: string;
  readonly text: string;
  readonly again: string;
  readonly copy: string;
  readonly copied: string;
}
