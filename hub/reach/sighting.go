package reach

import (
	"context"
	"slices"
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
	ByLight  Sense = "light"  // a light sensor before the board: several values that follow its pages
)

// Sighting is the word of somebody or something other than the device that a board
// showed an airing.
type Sighting struct {
	Airing  protocol.AiringID
	Device  protocol.DeviceID
	At      time.Time
	By      Sense
	Picture protocol.Digest // zero of a light sensor
	Lux     float64         // of a light sensor: one value, which proves light alone
	Light   []Sample        // of a light sensor: what it measured while the board showed it
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
	case g.By == ByLight && len(g.Light) > mostSamples:
		return problem.New(problem.ErrInvalid, "sighting-long", "light", "Quá nhiều số đo ánh sáng. Hãy gửi nhiều nhất 600 số đo.", "Too many values of light. Send 600 at most.")
	case slices.ContainsFunc(g.Light, func(s Sample) bool { return s.At.After(g.Told) }):
		return problem.New(problem.ErrInvalid, "sighting-ahead", "light", "Có số đo ở tương lai. Hãy kiểm tra đồng hồ của cảm biến.", "A value lies in the future. Check the sensor's clock.")
	case g.By == ByLight && g.Lux <= 0 && !slices.ContainsFunc(g.Light, func(s Sample) bool { return s.Lux > 0 }):
		return problem.New(problem.ErrInvalid, "sighting-dark", "lux", "Cảm biến không đo được ánh sáng, nên không chứng minh được gì. Hãy đo lại khi bảng đang sáng.",
			"The sensor measured no light, which proves nothing. Measure again while the board is lit.")
	case g.By != ByLight && g.Picture.IsZero():
		return problem.New(problem.ErrInvalid, "sighting-picture", "picture", "Hãy gửi kèm ảnh chụp bảng.", "Send the picture of the board with it.")
	}
	return s.store.SaveSighting(ctx, g)
}

// Sightings are what was told of an airing on a device, the earliest first; whether it
// counts is in the report.
func (s *Service) Sightings(ctx context.Context, airing protocol.AiringID, device protocol.DeviceID) ([]Sighting, error) {
	all, err := s.store.Sightings(ctx, []protocol.AiringID{airing})
	return slices.DeleteFunc(all, func(g Sighting) bool { return g.Device != device }), err
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
// device's pixels are not the hub's, and outside of the time for which they stood. Light
// says that something shone; that it was this it says only if it followed its pages.
// Who was reached is reckoned from what is signed alone, so a sighting changes no figure.
func sighted(aired []Aired, answers map[Key]Answer, all []Sighting, zone *time.Location) {
	for k, a := range answers {
		if k.Medium != protocol.MediumBoard || a.Proof < protocol.ProofRendered || a.Began.IsZero() {
			continue
		}
		for _, g := range all {
			if g.Airing != k.Airing || g.Device != k.Device || g.At.Before(a.Began) || g.At.After(a.Ended) {
				continue
			}
			if g.By == ByLight {
				a.Lit = true
				if !lit(g, time.UnixMilli(k.Start), a, aired, zone) {
					continue
				}
			}
			a.Seen = &g
			break
		}
		answers[k] = a
	}
}
