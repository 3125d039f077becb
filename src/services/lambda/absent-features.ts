/**
 * Reads of features that Sluice does not have, answered as AWS answers for a function that does not use them: clients
 * that look at a whole function (Terraform) ask for all of them.
 */
import type {
  GetFunctionCodeSigningConfigRequest,
  GetFunctionCodeSigningConfigResponse,
  GetFunctionRecursionConfigRequest,
  GetFunctionRecursionConfigResponse,
  GetFunctionUrlConfigRequest,
  GetProvisionedConcurrencyConfigRequest,
  GetRuntimeManagementConfigRequest,
  GetRuntimeManagementConfigResponse,
  ListEventSourceMappingsRequest,
  ListEventSourceMappingsResponse,
  ListFunctionUrlConfigsRequest,
  ListFunctionUrlConfigsResponse,
  ListProvisionedConcurrencyConfigsRequest,
  ListProvisionedConcurrencyConfigsResponse,
} from '@aws-sdk/client-lambda';
import { AwsError } from '../../common/index.ts';
import { operation } from '../service.ts';
import { functionAccess } from './access.ts';
import { requireQualified } from './functions.ts';
import { parseName, parsePlace } from './names.ts';
import { functionArn, requireFunction } from './records.ts';

export const getFunctionCodeSigningConfig = operation<
  GetFunctionCodeSigningConfigRequest,
  Partial<GetFunctionCodeSigningConfigResponse>
>({
  authorize: async (input, call) => [await functionAccess(call, 'GetFunctionCodeSigningConfig', input.FunctionName)],
  async handle(input, call) {
    const place = parsePlace(call, input.FunctionName);
    await requireFunction(call.house.store, place);
    return { FunctionName: place.name };
  },
});

export const getFunctionRecursionConfig = operation<
  GetFunctionRecursionConfigRequest,
  GetFunctionRecursionConfigResponse
>({
  authorize: async (input, call) => [await functionAccess(call, 'GetFunctionRecursionConfig', input.FunctionName)],
  async handle(input, call) {
    await requireFunction(call.house.store, parsePlace(call, input.FunctionName));
    return { RecursiveLoop: 'Terminate' };
  },
});

export const getRuntimeManagementConfig = operation<
  GetRuntimeManagementConfigRequest,
  GetRuntimeManagementConfigResponse
>({
  authorize: async (input, call) => [
    await functionAccess(call, 'GetRuntimeManagementConfig', input.FunctionName, input.Qualifier),
  ],
  async handle(input, call) {
    const named = parseName(call, input.FunctionName, input.Qualifier);
    await requireQualified(call, named);
    return { UpdateRuntimeOn: 'Auto', FunctionArn: functionArn(named.place, named.qualifier) };
  },
});

export const getFunctionUrlConfig = operation<GetFunctionUrlConfigRequest, never>({
  authorize: async (input, call) => [
    await functionAccess(call, 'GetFunctionUrlConfig', input.FunctionName, input.Qualifier),
  ],
  async handle() {
    throw new AwsError('ResourceNotFoundException', 'The resource you requested does not exist.');
  },
});

export const listFunctionUrlConfigs = operation<ListFunctionUrlConfigsRequest, ListFunctionUrlConfigsResponse>({
  authorize: async (input, call) => [await functionAccess(call, 'ListFunctionUrlConfigs', input.FunctionName)],
  async handle(input, call) {
    await requireFunction(call.house.store, parsePlace(call, input.FunctionName));
    return { FunctionUrlConfigs: [] };
  },
});

export const getProvisionedConcurrencyConfig = operation<GetProvisionedConcurrencyConfigRequest, never>({
  authorize: async (input, call) => [
    await functionAccess(call, 'GetProvisionedConcurrencyConfig', input.FunctionName, input.Qualifier),
  ],
  async handle(input, call) {
    await requireQualified(call, parseName(call, input.FunctionName, input.Qualifier));
    throw new AwsError(
      'ProvisionedConcurrencyConfigNotFoundException',
      'No Provisioned Concurrency Config found for this function',
    );
  },
});

export const listProvisionedConcurrencyConfigs = operation<
  ListProvisionedConcurrencyConfigsRequest,
  ListProvisionedConcurrencyConfigsResponse
>({
  authorize: async (input, call) => [
    await functionAccess(call, 'ListProvisionedConcurrencyConfigs', input.FunctionName),
  ],
  async handle(input, call) {
    await requireFunction(call.house.store, parsePlace(call, input.FunctionName));
    return { ProvisionedConcurrencyConfigs: [] };
  },
});

export const listEventSourceMappings = operation<ListEventSourceMappingsRequest, ListEventSourceMappingsResponse>({
  async handle() {
    return { EventSourceMappings: [] };
  },
});
