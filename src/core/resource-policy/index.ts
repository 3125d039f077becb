export { allowsAction, deniesAction, isPublicPolicy, resourcePolicyProblem } from './resource-policy.ts';
