/** What can go wrong: with a release, with its hooks, with the pipeline around it. */

/** What is wrong with a version. */
export type Release = Readonly<{
  /** Share of its requests that fail beside the usual ones, so long after the traffic began to move, at this weight. */
  errorShare?: (sinceMs: number, weightPercent: number) => number;
  /** Its latency is so many times that of the old one. */
  latencyFactor?: number;
  /** Nothing is published in this span, counted from when the traffic began to move. */
  metricsGap?: Readonly<{ fromMs: number; toMs: number }>;
}>;

export type Fault = Release &
  Readonly<{
    name: string;
    hook?: 'Hangs' | 'Fails';
    build?: 'Hangs' | 'Fails' | 'Dies';
    approver?: 'Asleep' | 'Rejects';
    /** Another release is pushed: so long after the traffic of the first began to move; without a time, in the middle of the bake. */
    secondPush?: Readonly<{ afterMs?: number }>;
    /** A role lacks it. */
    denies?: Denial;
  }>;

/** `action`: an IAM action. `at`: `Stage/Action`; absent: wherever it is needed. */
export type Denial = Readonly<{ grant: string; at?: string }>;
