export { evaluate, evaluateConditions, type Values } from './evaluate.ts';
export { type GivenParameter, isSsmParameter, parameterAsJson, parameterValues } from './parameters.ts';
export { isThere, type PlannedResource, type Sketch, sketch, token } from './plan.ts';
export { isObject, readTemplate } from './read.ts';
export { PSEUDO_PARAMETERS, referencesIn } from './references.ts';
export {
  isTemplateProblem,
  type OutputDeclaration,
  type ParameterDeclaration,
  type ResourceDeclaration,
  type Template,
  TemplateProblem,
} from './types.ts';
