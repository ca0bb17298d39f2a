import { describe, expect, it } from 'vitest';
import { signV4 } from '../../../src/hooks/dns/sigv4.ts';

/** AWS's published test suite: its credentials, its moment, its host, its service. */
const scope = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
  service: 'service',
  now: Date.parse('2015-08-30T12:36:00Z'),
};
const PLACE = 'Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

describe('Signature Version 4, by the published vectors', () => {
  it.each([
    ['get-vanilla', 'GET', '/', {}, '', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    [
      'get-vanilla-query-order-key-case',
      'GET',
      '/?Param2=value2&Param1=value1',
      {},
      '',
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    ['get-utf8', 'GET', '/ሴ', {}, '', '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85'],
    ['post-vanilla', 'POST', '/', {}, '', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'post-x-www-form-urlencoded',
      'POST',
      '/',
      FORM,
      'Param1=value1',
      'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    ],
  ])('%s', (_name, method, path, headers, body, signature) => {
    const url = new URL(`https://example.amazonaws.com${path}`);
    const signed = signV4({ method, url, headers, body }, scope);
    const names = [...Object.keys(headers), 'host', 'x-amz-date'].join(';');
    expect(signed.authorization).toBe(
      `AWS4-HMAC-SHA256 ${PLACE}, SignedHeaders=${names}, Signature=${signature}`,
    );
    expect(signed['x-amz-date']).toBe('20150830T123600Z');
  });

  it('signs the token of temporary credentials', () => {
    const url = new URL('https://example.amazonaws.com/');
    const signed = signV4({ method: 'GET', url, headers: {}, body: '' }, { ...scope, sessionToken: 'TOKEN' });
    expect(signed['x-amz-security-token']).toBe('TOKEN');
    expect(signed.authorization).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token,');
  });
});
