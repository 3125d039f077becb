/**
 * Reference changes: after every push and every API write the references are read, recorded and announced on
 * EventBridge ("CodeCommit Repository State Change", source `aws.codecommit`). The look and its record happen in turn per
 * repository, so that an older look never overtakes a newer one; a look at start catches what a crash left unannounced.
 * Source: CodeCommit User Guide, "Monitoring CodeCommit events in Amazon EventBridge".
 */
import {
  decide,
  type ReferenceEffect,
  type ReferenceEvent,
  type ReferenceState,
} from '../../core/reference-changes/index.ts';
import { defineLoop, type LoopDefinition } from '../../engine/index.ts';
import { collection, type DocumentKey } from '../../store/index.ts';
import type { House, Scope } from '../service.ts';
import {
  gitFolder,
  gitOf,
  REFERENCES_LOOP,
  repositories,
  type Repository,
  repositoryArn,
  repositoryKey,
} from './repository.ts';

const states = collection<ReferenceState>(REFERENCES_LOOP);

export function referencesLoop(house: House): LoopDefinition<ReferenceState, ReferenceEvent, ReferenceEffect> {
  return defineLoop<ReferenceState, ReferenceEvent, ReferenceEffect>({
    kind: REFERENCES_LOOP,
    decide,
    isFinal: () => false,
    perform: async (effect, { key }) => {
      const { change } = effect;
      const [, kind = '', ...rest] = change.referenceFullName.split('/');
      await house.door.publish(key, {
        source: 'aws.codecommit',
        detailType: 'CodeCommit Repository State Change',
        resources: [repositoryArn(key, effect.repositoryName)],
        at: effect.at,
        detail: {
          event: change.event,
          repositoryName: effect.repositoryName,
          repositoryId: effect.repositoryId,
          referenceType: kind === 'tags' ? 'tag' : 'branch',
          referenceName: rest.join('/'),
          referenceFullName: change.referenceFullName,
          ...(change.commitId === undefined ? {} : { commitId: change.commitId }),
          ...(change.oldCommitId === undefined ? {} : { oldCommitId: change.oldCommitId }),
          callerUserArn: effect.callerArn,
        },
      });
    },
  });
}

function loopKey(scope: Scope, repository: Repository): DocumentKey {
  return { account: scope.account, region: scope.region, id: repository.repositoryId };
}

/** Before a push is let in: whose it is, for the look after a crash. */
export async function notePush(house: House, scope: Scope, repository: Repository, callerArn: string): Promise<void> {
  await house.engine.submit(REFERENCES_LOOP, loopKey(scope, repository), { type: 'PushBegan', callerArn });
}

/**
 * Looks at the references and records what changed: the events to publish, the default branch of a repository that got
 * its first branch, and `lastModifiedDate`. Resolves when that is durable.
 */
export async function recordReferences(
  house: House,
  scope: Scope,
  repository: Repository,
  callerArn?: string,
): Promise<void> {
  const git = gitOf(house, repository);
  await git.inTurn(async () => {
    const references = await git.references();
    const branches = Object.keys(references).flatMap((name) =>
      name.startsWith('refs/heads/') ? [name.slice(11)] : [],
    );
    const renamed = await repositoryById(house, scope, repository);
    if (renamed === undefined) return;
    const name = renamed.repositoryName;
    if (renamed.defaultBranch === undefined && branches.length > 0) {
      // The first branch becomes the default branch; of several, the usual names first.
      const first = ['main', 'master'].find((usual) => branches.includes(usual)) ?? branches[0] ?? '';
      await setDefaultBranch(house, scope, name, first, git);
    }
    await house.store.transaction(async (tx) => {
      // Of several processes each looks while it holds the record: no look is older than the record before it.
      if (!house.members.exclusive) await states.getForUpdate(tx, loopKey(scope, repository));
      const event: ReferenceEvent = {
        type: 'ReferencesSeen',
        repositoryName: name,
        references: house.members.exclusive ? references : await git.references(),
        ...(callerArn === undefined ? {} : { callerArn }),
      };
      await house.engine.submitIn(tx, REFERENCES_LOOP, loopKey(scope, repository), event);
      if (callerArn === undefined) return;
      const stored = await repositories.getForUpdate(tx, repositoryKey(scope, name));
      if (stored === undefined) return;
      await repositories.update(tx, stored.key, { ...stored.document, lastModifiedAt: house.clock.now() });
    });
  });
}

/** The document under its present name: it may have been renamed since. */
async function repositoryById(house: House, scope: Scope, repository: Repository): Promise<Repository | undefined> {
  const same = await repositories.get(house.store, repositoryKey(scope, repository.repositoryName));
  if (same?.document.repositoryId === repository.repositoryId) return same.document;
  const all = await repositories.list(house.store, { account: scope.account, region: scope.region });
  return all.find((stored) => stored.document.repositoryId === repository.repositoryId)?.document;
}

/** HEAD first: it is what `git clone` follows, and the document can be mended from it. */
export async function setDefaultBranch(
  house: House,
  scope: Scope,
  repositoryName: string,
  branch: string,
  git: Readonly<{ git(args: readonly string[]): Promise<unknown> }>,
): Promise<void> {
  await git.git(['symbolic-ref', 'HEAD', `refs/heads/${branch}`]);
  await house.store.transaction(async (tx) => {
    const stored = await repositories.getForUpdate(tx, repositoryKey(scope, repositoryName));
    if (stored === undefined) return;
    await repositories.update(tx, stored.key, {
      ...stored.document,
      defaultBranch: branch,
      lastModifiedAt: house.clock.now(),
    });
  });
}

/** At start: tidies what a crash left and announces what it kept from being announced. */
export async function catchUp(house: House): Promise<void> {
  const all = await repositories.list(house.store);
  if (all.length === 0) return;
  // What another process is just writing looks like what a crash left: it is tidied by the first of them to start.
  if (await house.members.isAlone()) {
    await gitFolder(house).tidy(new Set(all.map((stored) => stored.document.repositoryId)));
  }
  for (const { key, document } of all) await recordReferences(house, key, document);
}
