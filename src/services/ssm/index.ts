/** Systems Manager: Parameter Store, standard and advanced tier. */
import { operationsOf, type ServiceDefinition } from '../service.ts';
import { foresee } from './foresee.ts';
import {
  deleteParameter,
  deleteParameters,
  describeParameters,
  getParameter,
  getParameterHistory,
  getParameters,
  getParametersByPath,
  labelParameterVersion,
  putParameter,
} from './parameters.ts';
import { resourceAccess } from './resource-access.ts';
import { deleteResourcePolicy, getResourcePolicies, putResourcePolicy } from './resource-policies.ts';
import { addTagsToResource, listTagsForResource, removeTagsFromResource } from './tags.ts';

export const ssm: ServiceDefinition = {
  name: 'ssm',
  iamPrefix: 'ssm',
  resourceAccess,
  foresee,
  operations: operationsOf({
    addTagsToResource,
    deleteParameter,
    deleteParameters,
    deleteResourcePolicy,
    describeParameters,
    getParameter,
    getParameterHistory,
    getParameters,
    getParametersByPath,
    getResourcePolicies,
    labelParameterVersion,
    listTagsForResource,
    putParameter,
    putResourcePolicy,
    removeTagsFromResource,
  }),
};
