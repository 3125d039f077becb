/** What must never be seen. */
export class Violation extends Error {
  override readonly name = 'Violation';
  /** One of DESIGN.md's invariants, by a name of its own. */
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}
