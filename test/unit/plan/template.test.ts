import { describe, expect, it } from 'vitest';
import { idPlaces, planTemplate, planWithLayers } from '../../../src/plan/template.js';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const plan = bytes('head\0/state/runs/0aa/layers/0\0tail\0');
const layer = '/state/runs/0aa/layers/0';

describe('a plan for another run', () => {
  it('differs in the layer alone', () => {
    const template = planTemplate(plan, [layer]);
    const other = template && planWithLayers(template, ['/state/runs/0bb/layers/0']);
    expect(other).toEqual(bytes('head\0/state/runs/0bb/layers/0\0tail\0'));
    expect(plan).toEqual(bytes('head\0/state/runs/0aa/layers/0\0tail\0'));
  });

  it('has each of several layers', () => {
    const two = bytes('head\0/runs/0aa/layers/0\0/runs/0aa/trees/1/layers/0\0');
    const template = planTemplate(two, ['/runs/0aa/layers/0', '/runs/0aa/trees/1/layers/0']);
    if (template === undefined) throw new Error('no template');
    expect(planWithLayers(template, ['/runs/0bb/layers/0', '/runs/0bb/trees/1/layers/0'])).toEqual(
      bytes('head\0/runs/0bb/layers/0\0/runs/0bb/trees/1/layers/0\0'),
    );
    expect(planWithLayers(template, ['/runs/0bb/layers/0'])).toBeUndefined();
  });

  it('has places for the ID of a run that does not exist yet', () => {
    const runs = '/ü/runs/';
    const layers = [`${runs}000/layers/0`, `${runs}000/trees/1/layers/0`];
    const two = new TextEncoder().encode(`000\0${layers.join('\0')}\0`);
    const places = idPlaces(two, layers, runs) ?? [];
    for (const at of places) two.set(bytes('1ab'), at);
    const made = layers.map((layer) => layer.replace('000', '1ab'));
    expect(new TextDecoder().decode(two)).toBe(`000\0${made.join('\0')}\0`);
    expect(idPlaces(two, layers, runs)).toBeUndefined();
    expect(idPlaces(plan, [layer], '/state/spare/')).toBeUndefined();
  });

  it('is none where the layer stands nowhere or twice, or is longer, or not one string', () => {
    expect(planTemplate(plan, ['/elsewhere'])).toBeUndefined();
    expect(planTemplate(bytes(`${layer}\0${layer}\0`), [layer])).toBeUndefined();
    const template = planTemplate(plan, [layer]);
    if (template === undefined) throw new Error('no template');
    expect(planWithLayers(template, [`${layer}0`])).toBeUndefined();
    expect(planWithLayers(template, [layer.replace('0aa', '0a\0')])).toBeUndefined();
  });
});
