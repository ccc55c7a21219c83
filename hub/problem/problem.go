// Package problem is what the hub says when it refuses: a kind to branch on, a
// code that stays the same, and a sentence in Vietnamese and in English that
// tells a person what to do. It decides nothing and knows no transport; the API
// maps each kind to a status once (RFC 9457).
package problem

import "errors"

// The kinds of refusal. Anything else is a failure of the hub itself, and its
// text is for the log only.
var (
	ErrInvalid      = errors.New("invalid")       // the request breaks a rule
	ErrNotFound     = errors.New("not found")     // no such thing, or not for this person
	ErrConflict     = errors.New("conflict")      // it is there already, or has changed
	ErrForbidden    = errors.New("forbidden")     // this person may not
	ErrUnauthorized = errors.New("unauthorized")  // nobody is logged in
	ErrTooLarge     = errors.New("too large")     // over a limit
	ErrBusy         = errors.New("too many")      // try again later
	ErrFull         = errors.New("storage full")  // the disk is full
	ErrUnavailable  = errors.New("not available") // something that the hub needs is missing
)

// Problem is one refusal.
type Problem struct {
	Kind error  // one of the kinds above
	Code string // stable, for programs: "self-approval"
	// Field names the part of the request at fault, as the API calls it; may be "".
	Field string
	// Vi and En say what to do.
	Vi, En string
	cause  error
}

// New returns a problem.
func New(kind error, code, field, vi, en string) *Problem {
	return &Problem{Kind: kind, Code: code, Field: field, Vi: vi, En: en}
}

// Because returns a copy of p that wraps what led to it, for the log.
func (p *Problem) Because(cause error) *Problem {
	q := *p
	q.cause = cause
	return &q
}

// Error returns the code and the English sentence.
func (p *Problem) Error() string { return p.Code + ": " + p.En }

// Unwrap returns the kind and the cause.
func (p *Problem) Unwrap() []error {
	if p.cause == nil {
		return []error{p.Kind}
	}
	return []error{p.Kind, p.cause}
}
