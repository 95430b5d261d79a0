// A section of the page; a part that cannot be drawn says so and leaves the rest standing.
import { Component, type ComponentChildren } from "preact";
import { Text } from "./text";

class Guard extends Component<{ children: ComponentChildren }, { failure: string | null }> {
  override state = { failure: null };

  static getDerivedStateFromError(error: unknown) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }

  override render() {
    if (this.state.failure === null) return <>{this.props.children}</>;
    return (
      <p class="absent broken">
        <span class="dash">—</span> This part of the report cannot be drawn (<Text of={this.state.failure} />); its numbers
        stand in the json.
      </p>
    );
  }
}

interface Props {
  id: string;
  title: string;
  lead?: ComponentChildren;
  children: ComponentChildren;
}

export function Section({ id, title, lead, children }: Props) {
  return (
    <section id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`} tabIndex={-1}>{title}</h2>
      {lead && <p class="lead">{lead}</p>}
      <Guard>{children}</Guard>
    </section>
  );
}

export { Guard };
