/**
 * Aliases, and the weights by which one splits its invocations between two versions.
 * Source: Lambda Developer Guide, "Create an alias for a Lambda function", "Implement Lambda canary deployments using a weighted alias".
 */
import type {
  AliasConfiguration,
  AliasRoutingConfiguration,
  CreateAliasRequest,
  DeleteAliasRequest,
  GetAliasRequest,
  ListAliasesRequest,
  ListAliasesResponse,
  UpdateAliasRequest,
} from '@aws-sdk/client-lambda';
import { AwsError } from '../../common/index.ts';
import type { Queryable } from '../../store/index.ts';
import { dropTallies } from '../request-tallies.ts';
import { operation } from '../service.ts';
import { invalid } from './errors.ts';
import { functionAccess } from './access.ts';
import { parsePlace } from './names.ts';
import { MOST_ITEMS, pageOf, readMarker } from './pages.ts';
import {
  aliases,
  type AliasRecord,
  functionArn,
  functionKey,
  functionNotFound,
  type FunctionRecord,
  functions,
  isVersionNumber,
  LATEST,
  type Place,
  qualifiedKey,
  requireFunction,
  requireVersion,
} from './records.ts';
import { assertRevision } from './versions.ts';

export const createAlias = operation<CreateAliasRequest, AliasConfiguration>({
  authorize: async (input, call) => [await functionAccess(call, 'CreateAlias', input.FunctionName)],
  async handle(input, call) {
    const place = parsePlace(call, input.FunctionName);
    const name = input.Name ?? '';
    const alias = {
      name,
      version: input.FunctionVersion ?? '',
      description: input.Description ?? '',
      weights: weightsOf(input.RoutingConfig) ?? {},
      revisionId: call.house.ids.uuid(),
    };
    await call.house.store.transaction(async (tx) => {
      const found = await functions.getForUpdate(tx, functionKey(place));
      if (found === undefined) throw functionNotFound(place);
      await assertRouting(tx, place, found.document, alias);
      if (!(await aliases.insert(tx, qualifiedKey(place, name), alias, { parent: place.name, sort: name }))) {
        throw new AwsError('ResourceConflictException', `Alias already exists: ${functionArn(place, name)}`);
      }
    });
    return shown(place, alias);
  },
});

export const updateAlias = operation<UpdateAliasRequest, AliasConfiguration>({
  authorize: async (input, call) => [await functionAccess(call, 'UpdateAlias', input.FunctionName)],
  async handle(input, call) {
    const place = parsePlace(call, input.FunctionName);
    const name = input.Name ?? '';
    const alias = await call.house.store.transaction(async (tx) => {
      const found = await functions.getForUpdate(tx, functionKey(place));
      if (found === undefined) throw functionNotFound(place);
      const before = await requireAlias(tx, place, name);
      assertRevision(input.RevisionId, before.revisionId);
      const changed: AliasRecord = {
        name,
        version: input.FunctionVersion ?? before.version,
        description: input.Description ?? before.description,
        weights: weightsOf(input.RoutingConfig) ?? before.weights,
        revisionId: call.house.ids.uuid(),
      };
      await assertRouting(tx, place, found.document, changed);
      await aliases.update(tx, qualifiedKey(place, name), changed);
      return changed;
    });
    return shown(place, alias);
  },
});

export const getAlias = operation<GetAliasRequest, AliasConfiguration>({
  authorize: async (input, call) => [await functionAccess(call, 'GetAlias', input.FunctionName)],
  async handle(input, call) {
    const place = parsePlace(call, input.FunctionName);
    await requireFunction(call.house.store, place);
    return shown(place, await requireAlias(call.house.store, place, input.Name ?? ''));
  },
});

export const deleteAlias = operation<DeleteAliasRequest, void>({
  authorize: async (input, call) => [await functionAccess(call, 'DeleteAlias', input.FunctionName)],
  async handle(input, call) {
    const place = parsePlace(call, input.FunctionName);
    const name = input.Name ?? '';
    await call.house.store.transaction(async (tx) => {
      const found = await functions.getForUpdate(tx, functionKey(place));
      if (found === undefined) throw functionNotFound(place);
      // Deleting an alias that is not there is not an error.
      await aliases.delete(tx, qualifiedKey(place, name));
      await dropTallies(tx, { account: place.account, region: place.region }, place.name, name);
      const { [name]: _policy, ...policies } = found.document.policies;
      const { [name]: _config, ...eventInvokeConfigs } = found.document.eventInvokeConfigs;
      await functions.update(tx, functionKey(place), { ...found.document, policies, eventInvokeConfigs });
    });
  },
});

export const listAliases = operation<ListAliasesRequest, ListAliasesResponse>({
  authorize: async (input, call) => [await functionAccess(call, 'ListAliases', input.FunctionName)],
  async handle(input, call) {
    const place = parsePlace(call, input.FunctionName);
    await requireFunction(call.house.store, place);
    const limit = Math.min(input.MaxItems ?? MOST_ITEMS, MOST_ITEMS);
    const version = input.FunctionVersion;
    const after = readMarker(input.Marker);
    const rows = await aliases.list(call.house.store, {
      account: place.account,
      region: place.region,
      parent: place.name,
      ...(after === undefined ? {} : { after }),
      // With a version to look for, all are read: a function has few aliases.
      ...(version === undefined ? { limit: limit + 1 } : {}),
    });
    const wanted =
      version === undefined
        ? rows
        : rows.filter(({ document }) => document.version === version || Object.hasOwn(document.weights, version));
    const { items, next } = pageOf(wanted, limit);
    return { Aliases: items.map((alias) => shown(place, alias)), ...next };
  },
});

async function requireAlias(q: Queryable, place: Place, name: string): Promise<AliasRecord> {
  const found = await aliases.get(q, qualifiedKey(place, name));
  if (found === undefined) {
    throw new AwsError('ResourceNotFoundException', `Cannot find alias arn: ${functionArn(place, name)}`);
  }
  return found.document;
}

/** Undefined: nothing said about routing, it stays. Empty: no second version any more. */
function weightsOf(routing: AliasRoutingConfiguration | undefined): Readonly<Record<string, number>> | undefined {
  if (routing === undefined) return undefined;
  return routing.AdditionalVersionWeights ?? {};
}

/** The rules that `reference` gives: one more version at most, both published, with the same role. */
async function assertRouting(q: Queryable, place: Place, record: FunctionRecord, alias: AliasRecord): Promise<void> {
  const main = await requireVersion(q, place, record, checkedVersion(alias.version));
  const additional = Object.keys(alias.weights);
  if (additional.length === 0) return;
  if (additional.length > 1) {
    throw invalid(
      `Number of items in AdditionalVersionWeights cannot be greater than 1. The item values are: [${additional.join(', ')}]`,
    );
  }
  const [second = ''] = additional;
  if (alias.version === LATEST || second === LATEST) {
    throw invalid('$LATEST is not supported for an alias pointing to more than 1 version');
  }
  if (second === alias.version) {
    throw invalid(
      `Invalid function version ${second}. Function version ${second} is already included in routing configuration.`,
    );
  }
  const other = await requireVersion(q, place, record, checkedVersion(second));
  if (other.role !== main.role) {
    throw invalid(`Function version ${second} must have the same execution role as function version ${alias.version}.`);
  }
}

function checkedVersion(version: string): string {
  if (version === LATEST || isVersionNumber(version)) return version;
  throw invalid(`Invalid function version ${version}. It must be $LATEST or the number of a published version.`);
}

function shown(place: Place, alias: AliasRecord): AliasConfiguration {
  return {
    AliasArn: functionArn(place, alias.name),
    Name: alias.name,
    FunctionVersion: alias.version,
    Description: alias.description,
    ...(Object.keys(alias.weights).length === 0
      ? {}
      : { RoutingConfig: { AdditionalVersionWeights: { ...alias.weights } } }),
    RevisionId: alias.revisionId,
  };
}
