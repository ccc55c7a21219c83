package reach

import (
	"context"
	"time"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Sense is by what a board was seen.
type Sense string

// The senses.
const (
	ByPhoto  Sense = "photo"  // somebody took a picture
	ByCamera Sense = "camera" // a camera that looks at the board did
	ByLight  Sense = "light"  // a light sensor before the board
)

// Sighting is the word of somebody or something other than the device that a board
// showed an airing.
type Sighting struct {
	Airing  protocol.AiringID
	Device  protocol.DeviceID
	At      time.Time
	By      Sense
	Picture protocol.Digest // zero of a light sensor
	Lux     float64         // of a light sensor
	Person  protocol.PersonID
	Told    time.Time
}

// See keeps a sighting. What it proves is decided when a report is made, since the
// device's receipt may come later.
func (s *Service) See(ctx context.Context, g Sighting) error {
	g.Told = s.now()
	switch {
	case g.At.After(g.Told):
		return problem.New(problem.ErrInvalid, "sighting-ahead", "at", "Thời điểm nhìn thấy ở tương lai. Hãy kiểm tra đồng hồ của máy ảnh.",
			"The instant of seeing lies in the future. Check the camera's clock.")
	case g.By == ByLight && g.Lux <= 0:
		return problem.New(problem.ErrInvalid, "sighting-dark", "lux", "Cảm biến không đo được ánh sáng, nên không chứng minh được gì.",
			"The sensor measured no light, which proves nothing.")
	case g.By != ByLight && g.Picture.IsZero():
		return problem.New(problem.ErrInvalid, "sighting-picture", "picture", "Hãy gửi kèm ảnh chụp bảng.", "Send the picture of the board with it.")
	}
	return s.store.SaveSighting(ctx, g)
}

// Level is the highest level of proof that is had of an answer: seen, if what the
// device says it drew was seen by something else, or else the device's word.
func (a Answer) Level() protocol.Proof {
	if a.Seen != nil {
		return protocol.ProofSeen
	}
	return a.Proof
}

// sighted joins what was seen to the device's word. A sighting says nothing where the
// device's pixels are not the hub's, and outside of the time for which they stood.
// Who was reached is reckoned from what is signed alone, so a sighting changes no figure.
func sighted(answers map[Key]Answer, all []Sighting) {
	for k, a := range answers {
		if k.Medium != protocol.MediumBoard || a.Proof < protocol.ProofRendered || a.Began.IsZero() {
			continue
		}
		for _, g := range all {
			if g.Airing == k.Airing && g.Device == k.Device && !g.At.Before(a.Began) && !g.At.After(a.Ended) {
				a.Seen = &g
				answers[k] = a
				break
			}
		}
	}
}
