// Controls in the design of the Workbench, over the behaviour of React Aria.

import type { ReactNode } from 'react';
import {
  Button as AriaButton,
  FieldError,
  Input,
  Label,
  Link as AriaLink,
  Text,
  TextField as AriaTextField,
  ToggleButton,
  ToggleButtonGroup,
  type ButtonProps,
  type LinkProps,
  type TextFieldProps,
} from 'react-aria-components';

type Variant = 'primary' | 'quiet' | 'plain';

// A busy button keeps the focus and does nothing.
export function Button({
  variant = 'primary',
  isBusy = false,
  ...props
}: Omit<ButtonProps, 'isPending'> & { variant?: Variant; isBusy?: boolean }) {
  const idle = isBusy ? { type: 'button' as const, onPress: undefined, 'aria-disabled': true } : {};
  return <AriaButton {...props} {...idle} className={`button ${variant}${isBusy ? ' busy' : ''}`} />;
}

export function ButtonLink({ variant = 'primary', ...props }: LinkProps & { variant?: Variant }) {
  return <AriaLink {...props} className={`button ${variant}`} />;
}

export const Link = (props: LinkProps) => <AriaLink {...props} className="link" />;

export function TextField({ label, hint, ...props }: TextFieldProps & { label: string; hint?: string }) {
  return (
    <AriaTextField {...props} className="field">
      <Label>{label}</Label>
      <Input />
      {hint && (
        <Text slot="description" className="hint">
          {hint}
        </Text>
      )}
      <FieldError className="field-error" />
    </AriaTextField>
  );
}

export interface Choice<Key extends string> {
  id: Key;
  label: ReactNode;
  name?: string;
}

// One of a few, side by side.
export function Choices<Key extends string>(props: {
  label: string;
  choices: Choice<Key>[];
  value: Key | null;
  onChange: (key: Key) => void;
  isDisabled?: boolean;
}) {
  return (
    <ToggleButtonGroup
      aria-label={props.label}
      className="choices"
      selectionMode="single"
      disallowEmptySelection
      isDisabled={props.isDisabled}
      selectedKeys={props.value ? [props.value] : []}
      onSelectionChange={(keys) => props.onChange([...keys][0] as Key)}
    >
      {props.choices.map(({ id, label, name }) => (
        <ToggleButton key={id} id={id} aria-label={name} className="choice">
          {label}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}
