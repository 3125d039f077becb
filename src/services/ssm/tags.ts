/** Tags of parameters. Other resource types of Systems Manager are not implemented and refused. */
import type {
  AddTagsToResourceRequest,
  ListTagsForResourceRequest,
  ListTagsForResourceResult,
  RemoveTagsFromResourceRequest,
} from '@aws-sdk/client-ssm';
import { AwsError } from '../../common/index.ts';
import { type Call, operation } from '../service.ts';
import { access, nameOf, type Parameter, parameterKey, parameters } from './records.ts';

const MOST_TAGS = 50;

export const addTagsToResource = operation<AddTagsToResourceRequest, object>({
  authorize: ({ ResourceId }, call) => access('AddTagsToResource', [ResourceId], call),
  handle: (input, call) =>
    retag(input, call, (tags) => ({
      ...tags,
      ...Object.fromEntries((input.Tags ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? ''])),
    })),
});

export const removeTagsFromResource = operation<RemoveTagsFromResourceRequest, object>({
  authorize: ({ ResourceId }, call) => access('RemoveTagsFromResource', [ResourceId], call),
  handle: (input, call) =>
    retag(input, call, (tags) =>
      Object.fromEntries(Object.entries(tags).filter(([key]) => !(input.TagKeys ?? []).includes(key))),
    ),
});

export const listTagsForResource = operation<ListTagsForResourceRequest, ListTagsForResourceResult>({
  authorize: ({ ResourceId }, call) => access('ListTagsForResource', [ResourceId], call),
  handle: async (input, call) => {
    checkType(input.ResourceType);
    const found = await parameters.get(call.house.store, parameterKey(call, nameOf(input.ResourceId ?? '', call)));
    if (found === undefined) throw unknown(input.ResourceId);
    return { TagList: Object.entries(found.document.tags).map(([Key, Value]) => ({ Key, Value })) };
  },
});

type Tags = Parameter['tags'];

async function retag(
  input: Readonly<{ ResourceType: string | undefined; ResourceId: string | undefined }>,
  call: Call,
  change: (tags: Tags) => Tags,
): Promise<object> {
  checkType(input.ResourceType);
  await call.house.store.transaction(async (tx) => {
    const found = await parameters.getForUpdate(tx, parameterKey(call, nameOf(input.ResourceId ?? '', call)));
    if (found === undefined) throw unknown(input.ResourceId);
    const tags = change(found.document.tags);
    if (Object.keys(tags).length > MOST_TAGS)
      throw new AwsError('TooManyTagsError', `A resource can have at most ${MOST_TAGS} tags.`);
    await parameters.update(tx, found.key, { ...found.document, tags });
  });
  return {};
}

function checkType(type: string | undefined): void {
  if (type !== 'Parameter')
    throw new AwsError(
      'InvalidResourceType',
      `The resource type ${type} is not implemented by Sluice: only Parameter is.`,
    );
}

function unknown(id: string | undefined): AwsError {
  return new AwsError(
    'InvalidResourceId',
    `The resource ID ${id} is not valid. Verify that you entered the correct ID and try again.`,
  );
}
