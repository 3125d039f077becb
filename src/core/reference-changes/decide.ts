/**
 * Reference changes of one repository: what was announced last, against what is there now.
 *
 *   Watching ── references seen ──▶ Watching   (one `Publish` for each difference)
 *
 * The announced references are saved in the transaction that saves the effects, so a push that was stored but not yet
 * announced when the process died is announced by the next look, and none is announced twice as a new change.
 * `pusherArn` is noted before a push is let in: the look after a crash still knows who it was.
 * There is no final state; a deleted repository's state is removed.
 */
import { assertNever, type Decision, type EpochMs } from '../../common/index.ts';

/** Full reference name to commit id. */
export type References = Readonly<Record<string, string>>;

export type ReferenceState = Readonly<{ repositoryId: string; references: References; pusherArn?: string }>;

export type ReferenceEvent =
  | Readonly<{ type: 'PushBegan'; callerArn: string }>
  /** `callerArn` absent: found by a look of our own (start); the last pusher is taken. */
  | Readonly<{ type: 'ReferencesSeen'; repositoryName: string; references: References; callerArn?: string }>
  | Readonly<{ type: 'TimerFired'; timer: string }>;

export type ReferenceChange = Readonly<{
  event: 'referenceCreated' | 'referenceUpdated' | 'referenceDeleted';
  referenceFullName: string;
  commitId?: string;
  oldCommitId?: string;
}>;

export type ReferenceEffect = Readonly<{
  type: 'Publish';
  repositoryName: string;
  repositoryId: string;
  change: ReferenceChange;
  callerArn: string;
  at: EpochMs;
}>;

export function decide(
  state: ReferenceState,
  event: ReferenceEvent,
  now: EpochMs,
): Decision<ReferenceState, ReferenceEffect> {
  switch (event.type) {
    case 'PushBegan':
      return { state: { ...state, pusherArn: event.callerArn }, effects: [] };
    case 'ReferencesSeen': {
      const callerArn = event.callerArn ?? state.pusherArn ?? '';
      const effects = changesBetween(state.references, event.references).map((change): ReferenceEffect => ({
        type: 'Publish',
        repositoryName: event.repositoryName,
        repositoryId: state.repositoryId,
        change,
        callerArn,
        at: now,
      }));
      return { state: { ...state, references: event.references }, effects };
    }
    case 'TimerFired':
      return { state, effects: [] };
    default:
      return assertNever(event);
  }
}

/** In the order of the names, so that the same difference always reads the same. */
export function changesBetween(before: References, after: References): ReferenceChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((referenceFullName): ReferenceChange[] => {
    const oldCommitId = before[referenceFullName];
    const commitId = after[referenceFullName];
    if (oldCommitId === commitId) return [];
    if (oldCommitId === undefined) return [{ event: 'referenceCreated', referenceFullName, commitId }];
    if (commitId === undefined) return [{ event: 'referenceDeleted', referenceFullName, oldCommitId }];
    return [{ event: 'referenceUpdated', referenceFullName, commitId, oldCommitId }];
  });
}
