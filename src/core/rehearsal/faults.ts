/** What can go wrong: with a release, with its hooks, with the pipeline around it. */

/** What is wrong with a version. */
export type Release = Readonly<{
  /** Share of its requests that fail beside the usual ones, so long after the traffic began to move, at this weight. */
  errorShare?: (sinceMs: number, weightPercent: number) => number;
  /** Its latency is so many times that of the old one. */
  latencyFactor?: number;
  /** Nothing is published in this span, counted from when the traffic began to move. */
  metricsGap?: Readonly<{ fromMs: number; toMs: number }>;
  /** Share of the requests of the version before that fail as well, from when the traffic began to move. */
  oldErrorShare?: number;
}>;

export type Fault = Release &
  Readonly<{
    name: string;
    hook?: 'Hangs' | 'Fails';
    build?: 'Hangs' | 'Fails' | 'Dies';
    /** The version before is deleted meanwhile: there is nothing to return to. */
    oldGone?: boolean;
    approver?: 'Asleep' | 'Rejects';
    /**
     * Further releases are pushed: so long after the traffic of the first began to move; `MidBake`: in the middle of its
     * bake. While an approver sleeps, others push after an hour and after two.
     */
    pushes?: readonly (number | 'MidBake')[];
    /** A role lacks it. */
    denies?: Denial;
  }>;

/** `grant`: an IAM action. `at`: `Stage/Action`; absent: wherever it is asked for. `by`: whose role lacks it; absent: every role. */
export type Denial = Readonly<{ grant: string; at?: string; by?: 'pipeline' | 'build' | 'deployment' }>;
