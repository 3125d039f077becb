/**
 * Watches the sources of a pipeline that are polled: looks at them every minute and starts an execution when one has
 * a revision that it did not have before.
 *
 *   Watching ── timer ──▶ look ── a revision is new ──▶ start, and go on watching
 *
 * The first look only notes what is there: the pipeline's first execution takes that anyway. A source that cannot be
 * read keeps its last known revision, so that a denial or an outage starts nothing when it ends. One look that finds
 * several changes starts one execution. The loop never ends by itself; it is removed with its pipeline or replaced
 * when the definition changes.
 * Source: CodePipeline User Guide, "Change detection methods used by source actions".
 */
import { assertNever, type Decision, type EpochMs, MINUTE_MS } from '../../common/index.ts';

export const POLL_EVERY_MS = MINUTE_MS;
export const POLL_TIMER = 'poll';

export type SourcePoll = Readonly<{
  /** Names of the source actions that are polled. */
  sources: readonly string[];
  /** Per action: the revision last seen; null: there was nothing there. Absent: not looked at yet. */
  revisions: Readonly<Record<string, string | null>>;
}>;

export type SourcePollEvent =
  | Readonly<{ type: 'RevisionsSeen'; revisions: Readonly<Record<string, string | null>> }>
  | Readonly<{ type: 'SourcesChanged'; sources: readonly string[] }>
  | Readonly<{ type: 'TimerFired'; timer: string }>;

export type SourcePollEffect =
  | Readonly<{ type: 'LookAtSources'; sources: readonly string[] }>
  | Readonly<{ type: 'StartExecution'; actionName: string }>
  | Readonly<{ type: 'WakeAt'; timer: string; at: EpochMs }>
  | Readonly<{ type: 'CancelTimer'; timer: string }>;

export function openSourcePoll(sources: readonly string[], now: EpochMs): Decision<SourcePoll, SourcePollEffect> {
  return decide({ sources: [], revisions: {} }, { type: 'SourcesChanged', sources }, now);
}

export function decide(
  state: SourcePoll,
  event: SourcePollEvent,
  now: EpochMs,
): Decision<SourcePoll, SourcePollEffect> {
  switch (event.type) {
    case 'SourcesChanged': {
      // A definition that changes may point an action elsewhere: what was seen there says nothing any more.
      const next = { sources: event.sources, revisions: {} };
      if (event.sources.length === 0) return { state: next, effects: [{ type: 'CancelTimer', timer: POLL_TIMER }] };
      return { state: next, effects: [look(next), wakeAt(now)] };
    }
    case 'TimerFired':
      return state.sources.length === 0 ? { state, effects: [] } : { state, effects: [look(state), wakeAt(now)] };
    case 'RevisionsSeen': {
      const changed = state.sources.find((name) => {
        const [before, after] = [state.revisions[name], event.revisions[name]];
        return before !== undefined && after !== undefined && after !== null && after !== before;
      });
      const seen = Object.entries(event.revisions).filter(([name]) => state.sources.includes(name));
      const next = { ...state, revisions: { ...state.revisions, ...Object.fromEntries(seen) } };
      return { state: next, effects: changed === undefined ? [] : [{ type: 'StartExecution', actionName: changed }] };
    }
    default:
      return assertNever(event);
  }
}

function look(state: SourcePoll): SourcePollEffect {
  return { type: 'LookAtSources', sources: state.sources };
}

function wakeAt(now: EpochMs): SourcePollEffect {
  return { type: 'WakeAt', timer: POLL_TIMER, at: now + POLL_EVERY_MS };
}
