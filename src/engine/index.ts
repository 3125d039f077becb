export {
  defineLoop,
  type EffectContext,
  type Engine,
  type EngineEffect,
  type LoopDefinition,
  type TimerFired,
} from './engine.ts';
