// A component that is drawn again only when its parts differ: thousands of marks stay put while a brush moves.
import { Component, type ComponentChild } from "preact";

export function memo<P extends object>(draw: (props: P) => ComponentChild, same: (before: P, after: P) => boolean) {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      return !same(this.props, next);
    }

    override render() {
      return draw(this.props);
    }
  };
}
