import type { Format } from '../format.ts';
import { anthropicUsage, openaiUsage } from './aggregates.ts';
import { azure } from './azure.ts';
import { bedrock } from './bedrock.ts';
import { cloudflare } from './cloudflare.ts';
import { helicone } from './helicone.ts';
import { langfuse } from './langfuse.ts';
import { litellmPayload, litellmSpend } from './litellm.ts';
import { llmperf } from './llmperf.ts';
import { native } from './native.ts';
import { nginx } from './nginx.ts';
import { openrouter } from './openrouter.ts';
import { otlp } from './otlp.ts';
import { portkey } from './portkey.ts';

/** Every known format, the most particular first: the first that matches an object takes the file. */
export const FORMATS: readonly Format[] = [
  litellmSpend,
  litellmPayload,
  helicone,
  langfuse,
  portkey,
  openrouter,
  openaiUsage,
  anthropicUsage,
  azure,
  bedrock,
  otlp,
  cloudflare,
  llmperf,
  nginx,
  native,
];
