"""Known: the cards with a dot that do not say what a circuit is, and the options of ngspice: modelled, harmless or refused."""

IGNORED = frozenset(
    [
        ".ac",
        ".dc",
        ".disto",
        ".four",
        ".ic",
        ".meas",
        ".measure",
        ".nodeset",
        ".noise",
        ".op",
        ".plot",
        ".print",
        ".probe",
        ".pz",
        ".save",
        ".sens",
        ".tf",
        ".title",
        ".tran",
        ".width",
    ]
)
"""Cards that say what to do with a circuit, not what it is."""

MODELLED = frozenset(["defad", "defas", "defl", "defw", "gmin", "rseries", "rshunt", "temp", "tnom"])
"""Options that change an operating point, as ngspice does it."""

_HARMLESS = """
    abstol acct autopartial autostop bypass chgtol convabsstep convlimit convstep copynodesets cshunt dlevel filetype gminfactor gminsteps
    gshunt hccap indverbosity interp itl1 itl2 itl3 itl4 itl5 itl6 keepopinfo klu list lteabstol ltereltol maxevtiter maxopalter maxord
    maxwarns method minbreak mu newtrunc noacct node nodedamping noinit nomod noopac noopalter noopiter nopage norefvalue numdgt oldlimit
    opts pivrel pivtol post ramptime rawfile reltol savecurrents scalm seed seedinfo sparse srcsteps trtol trytocompact vntol warn wnflag
    xmu xtrtol
"""

HARMLESS = frozenset(_HARMLESS.split())
"""Options that leave an operating point as it is: of waveforms, of output, and of how ngspice iterates, where hwsim says its own."""

REFUSED = {
    "badmos3": "remove it, or write the MOSFETs with another level",
    "defm": "write m= on each MOSFET",
    "epsmin": "remove it; it cuts the currents of diodes",
    "scale": "write lengths, widths and areas in metres",
}
"""Options that change an operating point in a way that is not modelled, and what to do instead."""

_ITERATING = """
    abstol bypass chgtol convabsstep convlimit convstep copynodesets cshunt dlevel gminfactor gminsteps gshunt indverbosity itl1 itl2 itl3
    itl4 itl5 itl6 lteabstol ltereltol maxevtiter maxopalter maxord method minbreak mu newtrunc nodedamping noopac noopalter noopiter
    oldlimit pivrel pivtol ramptime reltol scalm srcsteps trtol trytocompact vntol xmu xtrtol
"""

MEANT = MODELLED | REFUSED.keys() | frozenset(_ITERATING.split())
"""Options that change an operating point or how ngspice iterates towards it; the others say what it prints and writes."""

REMEDIES = {
    ".if": "keep the branch that holds",
    ".func": "write the expression where it is used",
    ".csparam": "use .param",
}
"""What to do instead of cards that are not read."""
