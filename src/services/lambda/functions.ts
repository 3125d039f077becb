/** Functions: made, read, listed, deleted. Source: Lambda API Reference, CreateFunction, GetFunction, ListFunctions, DeleteFunction. */
import type {
  CreateFunctionRequest,
  DeleteFunctionRequest,
  FunctionConfiguration,
  GetFunctionConfigurationRequest,
  GetFunctionRequest,
  GetFunctionResponse,
  ListFunctionsRequest,
  ListFunctionsResponse,
} from '@aws-sdk/client-lambda';
import { AwsError, isAwsError } from '../../common/index.ts';
import { dropTallies } from '../request-tallies.ts';
import { type Call, operation } from '../service.ts';
import { invalid } from './errors.ts';
import { functionAccess, knownFunction, passExecutionRole } from './access.ts';
import { downloadAddress } from './code-download.ts';
import { defaultSettings, listedConfiguration, shownConfiguration, withSettings } from './configurations.ts';
import { retireEnvironments } from './environments.ts';
import { type Named, parseName, parsePlace } from './names.ts';
import { fetchPackage } from './packages.ts';
import { encodeMarker, MOST_ITEMS, readMarker } from './pages.ts';
import {
  aliases,
  type AliasRecord,
  type Configuration,
  functionKey,
  functionNotFound,
  type FunctionRecord,
  functions,
  isVersionNumber,
  LATEST,
  qualifiedKey,
  requireFunction,
  requireVersion,
  versions,
} from './records.ts';
import { assumeExecutionRole } from './role-sessions.ts';
import { checkedTags, tagContext } from './tags.ts';
import { publish } from './versions.ts';
import { workshopOf } from './workshop.ts';

export const createFunction = operation<CreateFunctionRequest, FunctionConfiguration>({
  authorize: async (input, call) => {
    const context = tagContext(input.Tags);
    const request = await functionAccess(call, 'CreateFunction', input.FunctionName, undefined, context);
    return [request, ...passExecutionRole(input.Role, request)];
  },
  async handle(input, call) {
    const { house } = call;
    const place = parsePlace(call, input.FunctionName);
    if (place.account !== call.account) throw denied(`Functions cannot be created in account ${place.account}.`);
    const role = checkedRole(call, input.Role ?? '');
    if (input.PackageType !== 'Image') {
      if (input.Runtime === undefined)
        throw invalid('Runtime is mandatory for functions created with deployment packages.');
      if (input.Handler === undefined || input.Handler === '')
        throw invalid('Handler is mandatory for functions created with deployment packages.');
    }
    const tags = checkedTags(input.Tags ?? {});
    const settings = await withSettings(house, defaultSettings(place.name), input);
    if ((await functions.get(house.store, functionKey(place))) !== undefined) throw exists(place.name);
    const code = await fetchPackage(call, input.Code ?? {});
    await assumeExecutionRole(house, place, role);
    const latest: Configuration = {
      ...settings,
      runtime: input.Runtime ?? '',
      handler: input.Handler ?? '',
      role,
      codeDigest: code.digest,
      codeBytes: code.bytes,
      modifiedAt: call.now,
      revisionId: house.ids.uuid(),
    };
    const record: FunctionRecord = {
      name: place.name,
      latest,
      lastVersion: 0,
      tags,
      policies: {},
      eventInvokeConfigs: {},
      createdAt: call.now,
    };
    const version = await house.store.transaction(async (tx) => {
      if (!(await functions.insert(tx, functionKey(place), record))) throw exists(place.name);
      return input.Publish === true ? publish(tx, call, place, record, {}) : undefined;
    });
    // A function of this name may have lived before: its environments must not serve this one.
    retireEnvironments(house, place);
    return shownConfiguration(house, place, version ?? latest, version?.version);
  },
});

export const getFunction = operation<GetFunctionRequest, GetFunctionResponse>({
  authorize: async (input, call) => [await functionAccess(call, 'GetFunction', input.FunctionName, input.Qualifier)],
  async handle(input, call) {
    const named = parseName(call, input.FunctionName, input.Qualifier);
    const { record, configuration } = await requireQualified(call, named);
    return {
      Configuration: await shownConfiguration(call.house, named.place, configuration, named.qualifier),
      Code: { RepositoryType: 'S3', Location: downloadAddress(call.house, configuration.codeDigest) },
      ...(await shownTags(call, named, record)),
      ...(record.reservedConcurrency === undefined
        ? {}
        : { Concurrency: { ReservedConcurrentExecutions: record.reservedConcurrency } }),
    };
  },
});

export const getFunctionConfiguration = operation<GetFunctionConfigurationRequest, FunctionConfiguration>({
  authorize: async (input, call) => [
    await functionAccess(call, 'GetFunctionConfiguration', input.FunctionName, input.Qualifier),
  ],
  async handle(input, call) {
    const named = parseName(call, input.FunctionName, input.Qualifier);
    const { configuration } = await requireQualified(call, named);
    return shownConfiguration(call.house, named.place, configuration, named.qualifier);
  },
});

export const listFunctions = operation<ListFunctionsRequest, ListFunctionsResponse>({
  async handle(input, call) {
    const { store } = call.house;
    const limit = Math.min(input.MaxItems ?? MOST_ITEMS, MOST_ITEMS);
    const after = readMarker(input.Marker);
    const scope = { account: call.account, region: call.region };
    const rows = await functions.list(store, { ...scope, limit: limit + 1, ...(after === undefined ? {} : { after }) });
    const page = rows.slice(0, limit);
    const shown: FunctionConfiguration[] = [];
    for (const { document: record } of page) {
      const place = { ...scope, name: record.name };
      const all = input.FunctionVersion === 'ALL';
      shown.push(await shownConfiguration(call.house, place, record.latest, all ? LATEST : undefined));
      if (!all) continue;
      for (const { document } of await versions.list(store, { ...scope, parent: record.name }))
        shown.push(await shownConfiguration(call.house, place, document, document.version));
    }
    const next = rows.length > limit ? encodeMarker(page.at(-1)) : undefined;
    return { Functions: shown.map(listedConfiguration), ...(next === undefined ? {} : { NextMarker: next }) };
  },
});

export const deleteFunction = operation<DeleteFunctionRequest, { StatusCode: number }>({
  authorize: async (input, call) => [await functionAccess(call, 'DeleteFunction', input.FunctionName, input.Qualifier)],
  async handle(input, call) {
    const { place, qualifier } = parseName(call, input.FunctionName, input.Qualifier);
    const { house } = call;
    if (qualifier === LATEST) throw invalid('$LATEST version cannot be deleted without deleting the function.');
    if (qualifier !== undefined && !isVersionNumber(qualifier)) {
      throw invalid('Deletion of aliases is not currently supported by this operation; use DeleteAlias.');
    }
    await house.store.transaction(async (tx) => {
      const found = await functions.getForUpdate(tx, functionKey(place));
      if (found === undefined) throw functionNotFound(place, qualifier);
      const scope = { account: place.account, region: place.region };
      if (qualifier === undefined) {
        await functions.delete(tx, functionKey(place));
        await versions.deleteUnder(tx, scope, place.name);
        for (const { document } of await aliases.list(tx, { ...scope, parent: place.name }))
          await dropTallies(tx, scope, place.name, document.name);
        await aliases.deleteUnder(tx, scope, place.name);
        return;
      }
      const users = (await aliases.list(tx, { ...scope, parent: place.name })).filter(({ document }) =>
        uses(document, qualifier),
      );
      if (users.length > 0) {
        const names = users.map(({ document }) => document.name).join(', ');
        throw new AwsError(
          'ResourceConflictException',
          `Unable to delete version because the following aliases reference it: [${names}]`,
        );
      }
      if (!(await versions.delete(tx, qualifiedKey(place, qualifier)))) throw functionNotFound(place, qualifier);
      const { [qualifier]: _policy, ...policies } = found.document.policies;
      await functions.update(tx, functionKey(place), { ...found.document, policies });
    });
    retireEnvironments(house, place, qualifier);
    if (qualifier === undefined) workshopOf(house).sessions.forget(place);
    return { StatusCode: 204 };
  },
});

function uses(alias: AliasRecord, version: string): boolean {
  return alias.version === version || Object.hasOwn(alias.weights, version);
}

/** The function and the configuration that the qualifier stands for. Throws `ResourceNotFoundException`. */
export async function requireQualified(
  call: Call,
  named: Named,
): Promise<Readonly<{ record: FunctionRecord; configuration: Configuration }>> {
  const { place, qualifier } = named;
  const { store } = call.house;
  const record = (await knownFunction(call, named)) ?? (await requireFunction(store, place, qualifier));
  if (qualifier === undefined || qualifier === LATEST) return { record, configuration: record.latest };
  if (isVersionNumber(qualifier))
    return { record, configuration: await requireVersion(store, place, record, qualifier) };
  const alias = await aliases.get(store, qualifiedKey(place, qualifier));
  if (alias === undefined) throw functionNotFound(place, qualifier);
  return { record, configuration: await requireVersion(store, place, record, alias.document.version) };
}

/** Tags are shown to who may list them. */
async function shownTags(
  call: Call,
  { place }: Named,
  record: FunctionRecord,
): Promise<Pick<GetFunctionResponse, 'Tags' | 'TagsError'>> {
  if (Object.keys(record.tags).length === 0) return {};
  const Resource = `arn:aws:lambda:${place.region}:${place.account}:function:${place.name}`;
  const scope = { account: call.account, region: call.region };
  try {
    return await call.house.door
      .as(call.principal, scope)
      .call<{ Tags: Record<string, string> }>('lambda', 'ListTags', { Resource });
  } catch (error) {
    if (!isAwsError(error)) throw error;
    return { TagsError: { ErrorCode: error.code, Message: error.message } };
  }
}

export function checkedRole(call: Call, role: string): string {
  const account = role.split(':')[4];
  if (account !== call.account) throw denied('Cross-account pass role is not allowed.');
  return role;
}

function denied(message: string): AwsError {
  return new AwsError('AccessDeniedException', message, { statusCode: 403 });
}

function exists(name: string): AwsError {
  return new AwsError('ResourceConflictException', `Function already exist: ${name}`);
}
