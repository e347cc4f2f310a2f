import { describe, expect, it } from 'vitest';
import { planTemplate, planWithLayer } from '../../../src/plan/template.js';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const plan = bytes('head\0/state/runs/0aa/layers/0\0tail\0');
const layer = '/state/runs/0aa/layers/0';

describe('a plan for another run', () => {
  it('differs in the layer alone', () => {
    const template = planTemplate(plan, layer);
    const other = template && planWithLayer(template, '/state/runs/0bb/layers/0');
    expect(other).toEqual(bytes('head\0/state/runs/0bb/layers/0\0tail\0'));
    expect(plan).toEqual(bytes('head\0/state/runs/0aa/layers/0\0tail\0'));
  });

  it('is none where the layer stands nowhere or twice, or is longer, or not one string', () => {
    expect(planTemplate(plan, '/elsewhere')).toBeUndefined();
    expect(planTemplate(bytes(`${layer}\0${layer}\0`), layer)).toBeUndefined();
    const template = planTemplate(plan, layer);
    if (template === undefined) throw new Error('no template');
    expect(planWithLayer(template, `${layer}0`)).toBeUndefined();
    expect(planWithLayer(template, layer.replace('0aa', '0a\0'))).toBeUndefined();
  });
});
