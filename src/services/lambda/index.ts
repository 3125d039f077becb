/**
 * AWS Lambda: functions from zip, versions, aliases with weights, and their invocation in real processes.
 *
 * Start with `records.ts` (what is kept), `access.ts` (who may), `execution.ts` (how an invocation runs) and
 * `environments.ts` (what a process of a function is given). The processes themselves are in `runtimes/functions`.
 */
import { operationsOf, type ServiceDefinition } from '../service.ts';
import {
  getFunctionCodeSigningConfig,
  getFunctionRecursionConfig,
  getFunctionUrlConfig,
  getProvisionedConcurrencyConfig,
  getRuntimeManagementConfig,
  listEventSourceMappings,
  listFunctionUrlConfigs,
  listProvisionedConcurrencyConfigs,
} from './absent-features.ts';
import { createAlias, deleteAlias, getAlias, listAliases, updateAlias } from './aliases.ts';
import { asyncInvocationLoop, resumeEvents } from './async-invocations.ts';
import { answerDownload } from './code-download.ts';
import {
  deleteFunctionConcurrency,
  getAccountSettings,
  getFunctionConcurrency,
  putFunctionConcurrency,
} from './concurrency.ts';
import {
  deleteFunctionEventInvokeConfig,
  getFunctionEventInvokeConfig,
  listFunctionEventInvokeConfigs,
  putFunctionEventInvokeConfig,
  updateFunctionEventInvokeConfig,
} from './event-invoke-configs.ts';
import { foresee } from './foresee.ts';
import { createFunction, deleteFunction, getFunction, getFunctionConfiguration, listFunctions } from './functions.ts';
import { invoke } from './invoke.ts';
import { addPermission, getPolicy, removePermission } from './permissions.ts';
import { resourceAccess } from './resource-access.ts';
import { listTags, tagResource, untagResource } from './tags.ts';
import { updateFunctionCode, updateFunctionConfiguration } from './updates.ts';
import { listVersionsByFunction, publishVersion } from './versions.ts';
import { workshopOf } from './workshop.ts';

export const lambda: ServiceDefinition = {
  name: 'lambda',
  iamPrefix: 'lambda',
  resourceAccess,
  foresee,
  operations: operationsOf({
    addPermission,
    createAlias,
    createFunction,
    deleteAlias,
    deleteFunction,
    deleteFunctionConcurrency,
    deleteFunctionEventInvokeConfig,
    getAccountSettings,
    getAlias,
    getFunction,
    getFunctionCodeSigningConfig,
    getFunctionConcurrency,
    getFunctionConfiguration,
    getFunctionEventInvokeConfig,
    getFunctionRecursionConfig,
    getFunctionUrlConfig,
    getPolicy,
    getProvisionedConcurrencyConfig,
    getRuntimeManagementConfig,
    invoke,
    listAliases,
    listEventSourceMappings,
    listFunctionEventInvokeConfigs,
    listFunctionUrlConfigs,
    listFunctions,
    listProvisionedConcurrencyConfigs,
    listTags,
    listVersionsByFunction,
    publishVersion,
    putFunctionConcurrency,
    putFunctionEventInvokeConfig,
    removePermission,
    tagResource,
    untagResource,
    updateAlias,
    updateFunctionCode,
    updateFunctionConfiguration,
    updateFunctionEventInvokeConfig,
  }),
  loops: (house) => [asyncInvocationLoop(house)],
  start: async (house) => {
    workshopOf(house);
    await resumeEvents(house);
  },
  stop: (house) => workshopOf(house).close(),
  http: answerDownload,
};
