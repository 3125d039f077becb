/**
 * CloudFormation: stacks of a few types of resources, and change sets of them. Resources are made by calls through the
 * door, as the stack's role or as whoever asked for it.
 */
import { operationsOf, type ServiceDefinition } from '../service.ts';
import { resourceAccess } from './access.ts';
import * as changeSetOperations from './change-sets.ts';
import { foresee } from './foresee.ts';
import { stackLoop } from './stack-loop.ts';
import { createStack, deleteStack, updateStack, validateTemplate } from './stacks.ts';
import {
  describeStackEvents,
  describeStackResource,
  describeStackResources,
  describeStacks,
  getTemplate,
  listStackResources,
  listStacks,
} from './views.ts';

export const cloudformation: ServiceDefinition = {
  name: 'cloudformation',
  iamPrefix: 'cloudformation',
  resourceAccess,
  foresee,
  operations: operationsOf({
    createStack,
    deleteStack,
    describeStackEvents,
    describeStackResource,
    describeStackResources,
    describeStacks,
    getTemplate,
    listStackResources,
    listStacks,
    updateStack,
    validateTemplate,
    ...changeSetOperations,
  }),
  loops: (house) => [stackLoop(house)],
};
