// What stands where data are still to come, or did not come.
import { Text } from "../text";

export function Waiting({ what, failure }: { what: string; failure: string | null }) {
  if (failure) return <p class="absent broken" role="alert">{what} cannot be shown: <Text of={failure} /></p>;
  return <p class="absent" role="status">reading {what} …</p>;
}
