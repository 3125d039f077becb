/** What `sluice replay` answers; instants as ISO 8601 text. */
import type { Json } from '../../common/index.ts';
import type { AlarmRule } from '../../core/alarm/index.ts';
import type { CostRule, Difference, Subject, TurnCheck } from '../../core/replay/index.ts';

export type TurnLine = Readonly<{
  at: string;
  version: number;
  event: string;
  changes: readonly string[];
  effects: readonly string[];
  check: TurnCheck;
}>;

export type ReplayAnswer = Readonly<{
  kind: Subject;
  id: string;
  /** Of the pipeline, project, deployment group or alarm. */
  name: string;
  account: string;
  region: string;
  status: string;
  /** Where the kept history begins; `whole`: with the beginning of the thing itself. */
  from: string;
  whole: boolean;
  /** Of a pipeline execution, those of its line that concern it. */
  turns: readonly TurnLine[];
  /** Turns whose state was compared with what was kept of it. */
  checked: number;
  /** Of those, the ones where what was to be done was compared too: of older ones it was not kept. */
  effectsChecked: number;
  same: boolean;
  /** The first turn at which the rules of now decide otherwise. */
  difference?: Readonly<{
    version: number;
    at: string;
    event: string;
    how: string;
    differences: readonly Difference[];
  }>;
  /** The builds and deployments that its actions started. */
  parts: readonly (ReplayAnswer | Readonly<{ id: string; unknown: string }>)[];
  notes: readonly string[];
  instant?: InstantAnswer;
  changed?: ChangedAnswer;
  notEarlier?: NotEarlierAnswer;
  /** The exit code: a decision differs, of the rules of now or by what was set. */
  differs: boolean;
}>;

export type InstantAnswer = Readonly<{ at: string; is: readonly string[]; state: Json }>;

export type ChangedAnswer = Readonly<{
  settings: readonly string[];
  same: boolean;
  /** From the first turn that differs: what was decided, and what would have been. */
  rows: readonly Readonly<{ at: string; was: readonly string[]; would: readonly string[] }>[];
  outcome: Readonly<{ was: string; would: string }>;
  assumed: readonly string[];
}>;

export type NotEarlierAnswer = Readonly<{
  alarm: string;
  /** `3 of 3 datapoints of 60 s` */
  rule: string;
  ruleThen?: string;
  movedAt: string;
  firstBreach: Readonly<{
    at: string;
    seconds: number;
    value: number;
    comparison: AlarmRule['comparison'];
    threshold: number;
  }>;
  earliestAt: string;
  raisedAt?: string;
  wasRaisedAt?: string;
  endedAt: string;
  acted: boolean;
  costs: readonly Readonly<{ rule: CostRule; costMs: number; words: string }>[];
  /** Between the earliest and what came to pass. */
  lostMs: number;
}>;
