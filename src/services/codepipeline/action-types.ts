/** Action types: AWS's, as far as Sluice runs them, and the account's own. */
import type {
  ActionType,
  ActionTypeDeclaration,
  CreateCustomActionTypeInput,
  CreateCustomActionTypeOutput,
  DeleteCustomActionTypeInput,
  GetActionTypeInput,
  GetActionTypeOutput,
  ListActionTypesInput,
  ListActionTypesOutput,
} from '@aws-sdk/client-codepipeline';
import { AwsError } from '../../common/index.ts';
import {
  type ActionTypeDefinition,
  AWS_ACTION_TYPES,
  CUSTOM_TIMEOUT_MS,
  type ActionTypeId,
} from '../../core/pipeline-definition/index.ts';
import type { DocumentKey } from '../../store/index.ts';
import { decodePage, encodePage } from '../pages.ts';
import { operation, type Scope } from '../service.ts';
import { tagContext, typeAccess } from './access.ts';
import { type CustomActionType, customActionTypes, invalidNextToken } from './records.ts';
import { tagList, tagsOf } from './tags.ts';

/** Source: CodePipeline User Guide, "Quotas". */
const CUSTOM_TYPES_PER_REGION = 50;
const PAGE = 100;

export const createCustomActionType = operation<CreateCustomActionTypeInput, CreateCustomActionTypeOutput>({
  authorize: (input, call) =>
    typeAccess('CreateCustomActionType', call, { ...input, owner: 'Custom' }, tagContext(input.tags)),
  async handle(input, call) {
    const { store } = call.house;
    const definition = definitionFrom(input);
    const made: CustomActionType = {
      definition,
      ...(input.settings === undefined ? {} : { settings: { ...input.settings } }),
      tags: tagsOf(input.tags),
    };
    checkDefinition(made);
    const key = typeKey(call, definition.id);
    await store.transaction(async (tx) => {
      const before = await customActionTypes.getForUpdate(tx, key);
      if (before === undefined) {
        const active = await customActionTypes.list(tx, { account: call.account, region: call.region });
        if (active.filter(({ document }) => document.deletedAt === undefined).length >= CUSTOM_TYPES_PER_REGION) {
          throw new AwsError(
            'LimitExceededException',
            `The account has ${CUSTOM_TYPES_PER_REGION} custom actions in this region`,
          );
        }
      } else if (before.document.deletedAt === undefined || !isSameDefinition(before.document, made)) {
        const { category, provider, version } = definition.id;
        throw new AwsError(
          'ActionTypeAlreadyExistsException',
          `The action type (Category: '${category}', Provider: '${provider}', Version: '${version}') already exists with a different definition or is in use; use another version`,
        );
      }
      await customActionTypes.put(tx, key, made);
    });
    return {
      actionType: customShape(made),
      ...(input.tags === undefined ? {} : { tags: tagList(made.tags) }),
    };
  },
});

/** Marks the type deleted: polling for its jobs fails, and its version comes back only with the same definition. */
export const deleteCustomActionType = operation<DeleteCustomActionTypeInput, object>({
  authorize: (input, call) => typeAccess('DeleteCustomActionType', call, { ...input, owner: 'Custom' }),
  async handle({ category = '', provider = '', version = '' }, call) {
    const key = typeKey(call, { category, owner: 'Custom', provider, version });
    await call.house.store.transaction(async (tx) => {
      const stored = await customActionTypes.getForUpdate(tx, key);
      if (stored === undefined || stored.document.deletedAt !== undefined) return;
      await customActionTypes.update(tx, key, { ...stored.document, deletedAt: call.now });
    });
    return {};
  },
});

export const listActionTypes = operation<ListActionTypesInput, ListActionTypesOutput>({
  async handle({ actionOwnerFilter, nextToken, regionFilter }, call) {
    const after = decodePage(nextToken, invalidNextToken);
    const stored =
      actionOwnerFilter === 'AWS' || actionOwnerFilter === 'ThirdParty' || (regionFilter ?? call.region) !== call.region
        ? []
        : await customActionTypes.list(call.house.store, {
            account: call.account,
            region: call.region,
            limit: PAGE + 1,
            ...(after === undefined ? {} : { after }),
          });
    const page = stored.slice(0, PAGE);
    const own = after === undefined ? AWS_ACTION_TYPES.filter((type) => type.implemented === true) : [];
    return {
      actionTypes: [
        ...own.filter((type) => (actionOwnerFilter ?? type.id.owner) === type.id.owner).map((type) => shape(type)),
        ...page.flatMap(({ document }) => (document.deletedAt === undefined ? customShape(document) : [])),
      ],
      ...(stored.length > PAGE ? { nextToken: encodePage(page.at(-1)) } : {}),
    };
  },
});

export const getActionType = operation<GetActionTypeInput, GetActionTypeOutput>({
  async handle({ category, owner, provider, version }) {
    const type = AWS_ACTION_TYPES.find(
      ({ id, implemented }) =>
        implemented === true &&
        id.category === category &&
        id.owner === owner &&
        id.provider === provider &&
        id.version === version,
    );
    if (type === undefined) throw actionTypeNotFound({ category, owner, provider, version });
    const declaration: ActionTypeDeclaration = {
      id: type.id as ActionTypeDeclaration['id'],
      executor: {
        type: 'JobWorker',
        configuration: {
          jobWorkerExecutorConfiguration: { pollingServicePrincipals: ['codepipeline.amazonaws.com'] },
        },
      },
      inputArtifactDetails: type.inputs,
      outputArtifactDetails: type.outputs,
      properties: type.properties.map(({ name, required, key, secret }) => ({
        name,
        optional: !required,
        key,
        noEcho: secret,
      })),
    };
    return { actionType: declaration };
  },
});

export function typeKey(scope: Scope, id: ActionTypeId): DocumentKey {
  const { owner, category, provider, version } = id;
  return { account: scope.account, region: scope.region, id: `${owner}/${category}/${provider}/${version}` };
}

export function actionTypeNotFound(id: Partial<ActionTypeId>): AwsError {
  return new AwsError(
    'ActionTypeNotFoundException',
    `ActionType (Category: '${id.category}', Provider: '${id.provider}', Owner: '${id.owner}', Version: '${id.version}') is not available`,
  );
}

function definitionFrom(input: CreateCustomActionTypeInput): ActionTypeDefinition {
  return {
    id: {
      category: input.category ?? '',
      owner: 'Custom',
      provider: input.provider ?? '',
      version: input.version ?? '',
    },
    inputs: count(input.inputArtifactDetails),
    outputs: count(input.outputArtifactDetails),
    properties: (input.configurationProperties ?? []).map(
      ({ name = '', required = false, secret = false, key = false, queryable, description, type }) => ({
        name,
        required,
        secret,
        key,
        ...(queryable === undefined ? {} : { queryable }),
        ...(description === undefined ? {} : { description }),
        ...(type === undefined ? {} : { type }),
      }),
    ),
    timeoutMs: CUSTOM_TIMEOUT_MS,
    implemented: true,
  };
}

function count(details: CreateCustomActionTypeInput['inputArtifactDetails']): ActionTypeDefinition['inputs'] {
  return { minimumCount: details?.minimumCount ?? 0, maximumCount: details?.maximumCount ?? 0 };
}

function checkDefinition({ definition, settings = {} }: CustomActionType): void {
  for (const [word, { minimumCount, maximumCount }] of [
    ['input', definition.inputs],
    ['output', definition.outputs],
  ] as const) {
    if (minimumCount > maximumCount) {
      throw invalid(`The minimum number of ${word} artifacts, ${minimumCount}, exceeds the maximum, ${maximumCount}`);
    }
  }
  const names = definition.properties.map((property) => property.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalid(`The configuration property '${twice}' is declared more than once`);
  const queryable = definition.properties.filter((property) => property.queryable === true);
  if (queryable.length > 1) throw invalid('An action type can have at most one queryable configuration property.');
  const wrong = queryable.find((property) => !property.required || property.secret);
  if (wrong !== undefined) {
    throw invalid(
      `Invalid queryable property '${wrong.name}'. Queryable configuration properties must be required and non-secret.`,
    );
  }
  for (const template of Object.values(settings)) {
    for (const [, name = ''] of (template ?? '').matchAll(/\{Config:([^}]*)\}/g)) {
      const property = definition.properties.find((candidate) => candidate.name === name);
      if (property === undefined || !property.required || property.secret) {
        throw invalid(`The URL template ${template} refers to '${name}', which is not a required, non-secret property`);
      }
    }
  }
}

function isSameDefinition(a: CustomActionType, b: CustomActionType): boolean {
  return stable({ ...a.definition, ...a.settings }) === stable({ ...b.definition, ...b.settings });
}

/** JSON with its keys in order: what comes from the store may have them in another. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function shape(type: ActionTypeDefinition): ActionType {
  return {
    id: type.id as ActionType['id'],
    actionConfigurationProperties: type.properties.map((property) => ({ ...property })) as NonNullable<
      ActionType['actionConfigurationProperties']
    >,
    inputArtifactDetails: type.inputs,
    outputArtifactDetails: type.outputs,
  };
}

function customShape({ definition, settings }: CustomActionType): ActionType {
  return { ...shape(definition), ...(settings === undefined ? {} : { settings }) };
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationException', message);
}
