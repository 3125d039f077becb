import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, type References, type ReferenceState } from './decide.ts';

const empty: ReferenceState = { repositoryId: 'r-1', references: {} };
const seen = (references: References, callerArn?: string) =>
  ({
    type: 'ReferencesSeen',
    repositoryName: 'shop',
    references,
    ...(callerArn === undefined ? {} : { callerArn }),
  }) as const;

describe('decide()', () => {
  it('publishes what was created, updated and deleted', () => {
    const first = decide(empty, seen({ 'refs/heads/a': '1', 'refs/heads/b': '2' }, 'arn:me'), 5);
    expect(first.effects.map((effect) => effect.change)).toEqual([
      { event: 'referenceCreated', referenceFullName: 'refs/heads/a', commitId: '1' },
      { event: 'referenceCreated', referenceFullName: 'refs/heads/b', commitId: '2' },
    ]);
    const second = decide(first.state, seen({ 'refs/heads/a': '3' }, 'arn:me'), 6);
    expect(second.effects.map((effect) => effect.change)).toEqual([
      { event: 'referenceUpdated', referenceFullName: 'refs/heads/a', commitId: '3', oldCommitId: '1' },
      { event: 'referenceDeleted', referenceFullName: 'refs/heads/b', oldCommitId: '2' },
    ]);
  });

  it('names the last pusher when a look after a crash finds the change', () => {
    const begun = decide(empty, { type: 'PushBegan', callerArn: 'arn:pusher' }, 1).state;
    const { effects } = decide(begun, seen({ 'refs/heads/a': '1' }), 2);
    expect(effects[0]?.callerArn).toBe('arn:pusher');
  });

  it('announces each state of the references once, whatever is repeated', () => {
    const references = fc.dictionary(
      fc.constantFrom('refs/heads/a', 'refs/heads/b', 'refs/tags/c'),
      fc.constantFrom('1', '2'),
    );
    fc.assert(
      fc.property(fc.array(references), (looks) => {
        let state = empty;
        let announced: Record<string, string> = {};
        for (const look of looks) {
          for (const repeated of [false, true]) {
            const decision = decide(state, seen(look), 0);
            if (repeated) expect(decision.effects).toEqual([]);
            for (const { change } of decision.effects) {
              expect(announced[change.referenceFullName]).toBe(change.oldCommitId);
              if (change.commitId === undefined) delete announced[change.referenceFullName];
              else announced[change.referenceFullName] = change.commitId;
            }
            state = decision.state;
          }
          expect(announced).toEqual({ ...look });
        }
      }),
    );
  });
});
