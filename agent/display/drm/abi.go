package drm

import "fmt"

// Requests of linux/drm.h: direction, size of the argument, 'd', number.
const (
	ioSetMaster    = 0x0000641e
	ioDropMaster   = 0x0000641f
	ioGetCap       = 0xc010640c
	ioGetResources = 0xc04064a0
	ioGetCrtc      = 0xc06864a1
	ioSetCrtc      = 0xc06864a2
	ioGetEncoder   = 0xc01464a6
	ioGetConnector = 0xc05064a7
	ioAddFB        = 0xc01c64ae
	ioRemoveFB     = 0xc00464af
	ioPageFlip     = 0xc01864b0
	ioCreateDumb   = 0xc02064b2
	ioMapDumb      = 0xc01064b3
	ioDestroyDumb  = 0xc00464b4
)

const (
	capDumbBuffer   = 1
	connected       = 1
	modePreferred   = 1 << 3
	flipEvent       = 1
	eventFlipped    = 2
	eventHeaderSize = 8
)

// getCap is struct drm_get_cap.
type getCap struct{ capability, value uint64 }

// resources is struct drm_mode_card_res.
type resources struct {
	fbs, crtcs, connectors, encoders                     uint64 // addresses of ids
	countFBs, countCrtcs, countConnectors, countEncoders uint32
	minWidth, maxWidth, minHeight, maxHeight             uint32
}

// modeInfo is struct drm_mode_modeinfo.
type modeInfo struct {
	clock                                         uint32
	hdisplay, hsyncStart, hsyncEnd, htotal, hskew uint16
	vdisplay, vsyncStart, vsyncEnd, vtotal, vscan uint16
	vrefresh, flags, kind                         uint32
	name                                          [32]byte
}

// crtc is struct drm_mode_crtc.
type crtc struct {
	connectors                               uint64 // address of ids
	countConnectors, id, fb, x, y, gammaSize uint32
	modeValid                                uint32
	mode                                     modeInfo
}

// encoder is struct drm_mode_get_encoder.
type encoder struct{ id, kind, crtc, possibleCrtcs, possibleClones uint32 }

// connector is struct drm_mode_get_connector.
type connector struct {
	encoders, modes, props, propValues           uint64 // addresses
	countModes, countProps, countEncoders        uint32
	encoder, id, kind, number                    uint32
	connection, mmWidth, mmHeight, subpixel, pad uint32
}

// name is what the kernel's own messages and udev call a connector.
func (c connector) name() string {
	kinds := map[uint32]string{
		1: "VGA", 2: "DVI-I", 3: "DVI-D", 4: "DVI-A", 7: "LVDS", 10: "DP", 11: "HDMI-A", 12: "HDMI-B", 14: "eDP", 15: "Virtual", 16: "DSI", 17: "DPI",
	}
	kind, ok := kinds[c.kind]
	if !ok {
		kind = "Unknown"
	}
	return fmt.Sprintf("%s-%d", kind, c.number)
}

// addFB is struct drm_mode_fb_cmd.
type addFB struct{ id, width, height, pitch, bpp, depth, handle uint32 }

// pageFlip is struct drm_mode_crtc_page_flip.
type pageFlip struct {
	crtc, fb, flags, reserved uint32
	userData                  uint64
}

// createDumb is struct drm_mode_create_dumb.
type createDumb struct {
	height, width, bpp, flags, handle, pitch uint32
	size                                     uint64
}

// mapDumb is struct drm_mode_map_dumb.
type mapDumb struct {
	handle, pad uint32
	offset      uint64
}
