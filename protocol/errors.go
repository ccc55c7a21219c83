package protocol

import "errors"

// Kinds of refusal. Decoders wrap one of these with the field they speak of.
var (
	// ErrMalformed: the bytes are not deterministic CBOR of the expected shape.
	ErrMalformed = errors.New("malformed message")
	// ErrUnknownKey: a key below 1000 that this version does not know.
	ErrUnknownKey = errors.New("unknown key")
	// ErrTooLarge: more bytes than the message's kind allows.
	ErrTooLarge = errors.New("message too large")
	// ErrInvalid: well-formed, but a field breaks its rule.
	ErrInvalid = errors.New("invalid value")
	// ErrVersion: made for a version of the protocol that this code does not speak.
	ErrVersion = errors.New("unsupported protocol version")
)
