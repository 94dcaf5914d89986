import type { CombinedError } from '@urql/core';

interface Refusal {
  message: string;
  path: readonly string[];
}

// The sentence for a person: of the payload's errors, else of the request.
export function refusalOf(
  payload: { errors: readonly Refusal[] } | null | undefined,
  error: CombinedError | undefined,
): string | null {
  return payload?.errors[0]?.message ?? (error ? messageOf(error) : null);
}

export function messageOf(error: CombinedError): string {
  return error.graphQLErrors[0]?.message ?? error.networkError?.message ?? error.message;
}
