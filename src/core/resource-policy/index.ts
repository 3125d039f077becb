export { allowsAction, isPublicPolicy, resourcePolicyProblem } from './resource-policy.ts';
