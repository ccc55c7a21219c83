package protocol

import "fmt"

// StickVersion is that of the files that a technician carries.
const StickVersion = 1

// Stick is a file that a technician carries between a hub and a device that has no
// network: there the installation, back the device's request, and there its answer.
// Exactly one of them is in it.
type Stick struct {
	Version      uint64        `json:"loa_stick"`
	Installation *Installation `json:"installation,omitempty"`
	Request      *EnrolRequest `json:"request,omitempty"`
	Answer       *EnrolAnswer  `json:"answer,omitempty"`
}

// Installation is what a device needs to know its hub and its place before it has
// a network. Whoever holds it holds the claim.
type Installation struct {
	Claim string `json:"claim"`
	Name  string `json:"name"` // of the device, for people
	Hub   string `json:"hub"`  // enrolment's URL
	// Held is the answer of enrolment without certificates.
	Held EnrolAnswer `json:"held"`
}

// ParseStick reads a file that a technician brought. Error: ErrInvalid.
func ParseStick(b []byte) (Stick, error) {
	var s Stick
	if len(b) > MaxEnrol {
		return Stick{}, fmt.Errorf("a file of %d bytes: %w", len(b), ErrInvalid)
	}
	if err := DecodeJSON(b, &s); err != nil {
		return Stick{}, fmt.Errorf("not a file of Loa: %w", err)
	}
	parts := 0
	for _, there := range []bool{s.Installation != nil, s.Request != nil, s.Answer != nil} {
		if there {
			parts++
		}
	}
	if s.Version != StickVersion || parts != 1 {
		return Stick{}, fmt.Errorf("a file of version %d with %d parts: %w", s.Version, parts, ErrInvalid)
	}
	return s, nil
}
