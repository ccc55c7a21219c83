package protocol

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// DecodeJSON reads JSON that somebody else wrote. What is not UTF-8 is no JSON between
// systems (RFC 8259, 8.1), and takes many times its length: the decoder makes three
// bytes of one, several times over. Error: ErrInvalid.
func DecodeJSON(b []byte, v any) error {
	if !utf8.Valid(b) {
		return fmt.Errorf("text that is not UTF-8: %w", ErrInvalid)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}
