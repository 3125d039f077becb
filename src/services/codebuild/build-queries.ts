/** Builds as they are read, listed and deleted. */
import type {
  BatchDeleteBuildsInput,
  BatchDeleteBuildsOutput,
  BatchGetBuildsInput,
  BatchGetBuildsOutput,
  ListBuildsForProjectInput,
  ListBuildsForProjectOutput,
  ListBuildsInput,
  ListBuildsOutput,
} from '@aws-sdk/client-codebuild';
import { decodePage, encodePage } from '../pages.ts';
import { type AccessRequest } from '../../common/index.ts';
import { type Call, operation } from '../service.ts';
import { buildShape } from './build-shape.ts';
import { onBuild } from './builds.ts';
import { findProject, onProject } from './projects.ts';
import { BUILD_LOOP, buildIdOf, buildKey, builds, invalidInput, projectNameOf } from './records.ts';

const LIST_PAGE = 100;

const onBuilds =
  (action: string) =>
  (input: Readonly<{ ids?: string[] | undefined }>, call: Call): readonly AccessRequest[] =>
    (Array.isArray(input.ids) ? input.ids : ['']).flatMap((id) => onBuild(action, id, call));

export const batchGetBuilds = operation<BatchGetBuildsInput, BatchGetBuildsOutput>({
  authorize: onBuilds('BatchGetBuilds'),
  async handle(input, call) {
    const asked = [...new Set(input.ids ?? [])].map((given) => ({ given, id: buildIdOf(given) }));
    const found = await builds.getMany(
      call.house.store,
      call,
      asked.map(({ id }) => id),
    );
    const byId = new Map(found.map(({ document }) => [document.id, document]));
    return {
      builds: asked.flatMap(({ id }) => {
        const build = byId.get(id);
        return build === undefined ? [] : [buildShape(call, build)];
      }),
      buildsNotFound: asked.filter(({ id }) => !byId.has(id)).map(({ given }) => given),
    };
  },
});

export const listBuilds = operation<ListBuildsInput, ListBuildsOutput>({
  handle: (input, call) => listed(call, input, undefined),
});

export const listBuildsForProject = operation<ListBuildsForProjectInput, ListBuildsForProjectOutput>({
  authorize: onProject('ListBuildsForProject', 'projectName'),
  async handle(input, call) {
    await findProject(call, input.projectName ?? '');
    return listed(call, input, projectNameOf(input.projectName ?? ''));
  },
});

/** A build under way is not deleted. */
export const batchDeleteBuilds = operation<BatchDeleteBuildsInput, BatchDeleteBuildsOutput>({
  authorize: onBuilds('BatchDeleteBuilds'),
  async handle(input, call) {
    const { house } = call;
    const asked = [...new Set(input.ids ?? [])].map((given) => ({ given, id: buildIdOf(given) }));
    const buildsDeleted: string[] = [];
    const buildsNotDeleted: { id: string; statusCode: string }[] = [];
    for (const { given, id } of asked) {
      const statusCode = await house.store.transaction(async (tx) => {
        const stored = await builds.getForUpdate(tx, buildKey(call, id));
        if (stored === undefined) return 'BUILD_NOT_FOUND';
        if (stored.document.status === 'IN_PROGRESS') return 'BUILD_IN_PROGRESS';
        await house.engine.remove(tx, BUILD_LOOP, stored.key);
        return undefined;
      });
      if (statusCode === undefined) buildsDeleted.push(given);
      else buildsNotDeleted.push({ id: given, statusCode });
    }
    return { buildsDeleted, buildsNotDeleted };
  },
});

async function listed(
  call: Call,
  input: Readonly<{ sortOrder?: string | undefined; nextToken?: string | undefined }>,
  parent: string | undefined,
): Promise<{ ids: string[]; nextToken?: string }> {
  const after = decodePage(input.nextToken || undefined, () => invalidInput('Invalid next token'));
  const rows = await builds.list(call.house.store, {
    account: call.account,
    region: call.region,
    ...(parent === undefined ? {} : { parent }),
    ...(after === undefined ? {} : { after }),
    descending: input.sortOrder !== 'ASCENDING',
    limit: LIST_PAGE + 1,
  });
  const page = rows.slice(0, LIST_PAGE);
  const nextToken = rows.length > LIST_PAGE ? encodePage(page.at(-1)) : undefined;
  return { ids: page.map(({ document }) => document.id), ...(nextToken === undefined ? {} : { nextToken }) };
}
