/** The end of a phase that is the build's own fault: becomes the phase's context, never an error of Sluice's. */
export class PhaseFailure extends Error {
  override readonly name = 'PhaseFailure';
  readonly statusCode: string;

  constructor(statusCode: string, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

/** Compare by name: `instanceof` fails across copies. */
export function isPhaseFailure(error: unknown): error is PhaseFailure {
  return error instanceof Error && error.name === 'PhaseFailure';
}
