package registry

import (
	"fmt"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/veraison/go-cose"
)

// Document is a signed trust document as it was signed: a delegation, a list of
// approvers, a placement or populations.
type Document struct {
	Digest  protocol.Digest // of Bytes
	Kind    envelope.Kind
	Subject string // the unit, the device, or the delegated key's id in hexadecimal
	Number  uint64
	Bytes   []byte
	Created time.Time
}

// NewDocument returns the document of signed bytes.
func NewDocument(kind envelope.Kind, subject string, number uint64, b []byte, created time.Time) Document {
	return Document{Digest: protocol.DigestOf(b), Kind: kind, Subject: subject, Number: number, Bytes: b, Created: created}
}

// Payload returns what an envelope or an endorsed document holds, without checking who signed it: for
// documents of the hub's own database only. Error: protocol.ErrMalformed.
func Payload(b []byte) ([]byte, error) {
	if e, err := protocol.Unmarshal[protocol.Endorsed](b, envelope.MaxDocument); err == nil {
		return e.Payload, nil
	}
	var msg cose.Sign1Message
	if err := msg.UnmarshalCBOR(b); err != nil {
		return nil, fmt.Errorf("envelope: %w", protocol.ErrMalformed)
	}
	return msg.Payload, nil
}

// SealDocument signs a message as a document.
func SealDocument(signer *envelope.Signer, kind envelope.Kind, subject string, number uint64, m interface{ Validate() error }, now time.Time) (Document, error) {
	payload, err := protocol.Marshal(m)
	if err != nil {
		return Document{}, fmt.Errorf("sign %s of %s: %w", kind, subject, err)
	}
	b, err := signer.Seal(kind, payload)
	if err != nil {
		return Document{}, fmt.Errorf("sign %s of %s: %w", kind, subject, err)
	}
	return NewDocument(kind, subject, number, b, now), nil
}

// decode reads the message inside a document of the hub's own database.
func decode[T any, M interface {
	*T
	Validate() error
}](d Document) (T, error) {
	payload, err := Payload(d.Bytes)
	if err != nil {
		return *new(T), fmt.Errorf("%s of %s: %w", d.Kind, d.Subject, err)
	}
	v, err := protocol.Unmarshal[T, M](payload, envelope.MaxDocument)
	if err != nil {
		return *new(T), fmt.Errorf("%s of %s: %w", d.Kind, d.Subject, err)
	}
	return v, nil
}
