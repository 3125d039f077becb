/** A build decided again. */
import { AwsError, isoMillis } from '../../common/index.ts';
import type { BuildState } from '../../core/build/index.ts';
import { stateAt } from '../../core/replay/index.ts';
import type { Work } from '../../services/index.ts';
import type { ReplayAnswer } from './answer.ts';
import type { Asked } from './deployment.ts';
import { checkOf, recordOf, type ReplayTools, turnLine, withoutSecrets } from './record.ts';

type OfBuild = Omit<ReplayAnswer, 'differs' | 'parts' | keyof Pick<Work, 'id' | 'name' | 'account' | 'region'>>;

export async function buildAnswer(tools: ReplayTools, work: Work, asked: Asked): Promise<OfBuild | undefined> {
  if (asked.settings.length > 0)
    throw new AwsError(
      'ValidationException',
      'Nothing can be set of a build: what its commands would do is not known.',
    );
  const { account, region, id } = work;
  const record = await recordOf<BuildState>(tools, 'codebuild.build', { account, region, id });
  if (record === undefined) return undefined;
  const { history, replay } = record;
  const instantAt = asked.at?.(replay.state.startedAt);
  const state = instantAt === undefined ? undefined : stateAt(history, replay, instantAt);
  return {
    kind: 'build',
    status: replay.state.status,
    from: isoMillis(history.beginning.at),
    whole: history.beginning.created,
    turns: replay.turns.map((turn) => turnLine('build', turn)),
    ...checkOf('build', record),
    notes: [],
    ...(state !== undefined &&
      instantAt !== undefined && {
        instant: {
          at: isoMillis(instantAt),
          is: [
            state.status,
            ...state.phases.map(({ phaseType, status }) => `${phaseType}${status === undefined ? '' : ` ${status}`}`),
          ],
          // What was started (environment, buildspec) is in BatchGetBuilds, for those who may see it.
          state: withoutSecrets({ ...state, definition: undefined }),
        },
      }),
  };
}
