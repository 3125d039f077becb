/** Changes of `$LATEST`: its code and its settings. */
import type {
  FunctionConfiguration,
  UpdateFunctionCodeRequest,
  UpdateFunctionConfigurationRequest,
} from '@aws-sdk/client-lambda';
import { operation } from '../service.ts';
import { refuse } from './errors.ts';
import { functionAccess, passExecutionRole } from './access.ts';
import { changeFunction } from './change-function.ts';
import { shownConfiguration, withSettings } from './configurations.ts';
import { retireEnvironments } from './environments.ts';
import { checkedRole } from './functions.ts';
import { parsePlace } from './names.ts';
import { fetchPackage } from './packages.ts';
import { type Configuration, functionKey, functionNotFound, functions, LATEST, requireFunction } from './records.ts';
import { assumeExecutionRole } from './role-sessions.ts';
import { assertRevision, publish } from './versions.ts';

export const updateFunctionCode = operation<UpdateFunctionCodeRequest, FunctionConfiguration>({
  authorize: async (input, call) => [await functionAccess(call, 'UpdateFunctionCode', input.FunctionName)],
  async handle(input, call) {
    if (input.PublishTo !== undefined) throw refuse('PublishTo');
    const { house } = call;
    const place = parsePlace(call, input.FunctionName);
    const before = (await requireFunction(house.store, place)).latest;
    assertRevision(input.RevisionId, before.revisionId);
    const settings = await withSettings(house, {}, { Architectures: input.Architectures });
    const code = await fetchPackage(call, input, input.DryRun !== true);
    const updated = (latest: Configuration): Configuration => ({
      ...latest,
      ...settings,
      codeDigest: code.digest,
      codeBytes: code.bytes,
      modifiedAt: call.now,
      revisionId: house.ids.uuid(),
    });
    if (input.DryRun === true) return shownConfiguration(house, place, updated(before));
    const { latest, version } = await house.store.transaction(async (tx) => {
      const found = await functions.getForUpdate(tx, functionKey(place));
      if (found === undefined) throw functionNotFound(place);
      assertRevision(input.RevisionId, found.document.latest.revisionId);
      const record = { ...found.document, latest: updated(found.document.latest) };
      await functions.update(tx, functionKey(place), record);
      const version = input.Publish === true ? await publish(tx, call, place, record, {}) : undefined;
      return { latest: record.latest, version };
    });
    retireEnvironments(house, place, LATEST);
    return shownConfiguration(house, place, version ?? latest, version?.version);
  },
});

export const updateFunctionConfiguration = operation<UpdateFunctionConfigurationRequest, FunctionConfiguration>({
  authorize: async (input, call) => {
    const request = await functionAccess(call, 'UpdateFunctionConfiguration', input.FunctionName);
    return [request, ...passExecutionRole(input.Role, request)];
  },
  async handle(input, call) {
    const { house } = call;
    const place = parsePlace(call, input.FunctionName);
    await requireFunction(house.store, place);
    if (input.Role !== undefined) await assumeExecutionRole(house, place, checkedRole(call, input.Role));
    const { latest } = await changeFunction(call, place, async (record) => {
      assertRevision(input.RevisionId, record.latest.revisionId);
      const changed = await withSettings(house, record.latest, input);
      return { ...record, latest: { ...changed, modifiedAt: call.now, revisionId: house.ids.uuid() } };
    });
    retireEnvironments(house, place, LATEST);
    return shownConfiguration(house, place, latest);
  },
});
