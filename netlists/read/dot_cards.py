"""Cards with a dot that do not define a circuit, and the options of ngspice: which mean something, and which do not."""

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
"""Cards that set what to do with a circuit, not what it is."""

OF_CIRCUITS = frozenset(
    ["badmos3", "defad", "defas", "defl", "defm", "defw", "epsmin", "gmin", "rseries", "rshunt", "scale", "temp", "tnom"]
)
"""Options that change an operating point."""

_HARMLESS = """
    abstol acct autopartial autostop bypass chgtol convabsstep convlimit convstep copynodesets cshunt dlevel filetype gminfactor gminsteps
    gshunt hccap indverbosity interp itl1 itl2 itl3 itl4 itl5 itl6 keepopinfo klu list lteabstol ltereltol maxevtiter maxopalter maxord
    maxwarns method minbreak mu newtrunc noacct node nodedamping noinit nomod noopac noopalter noopiter nopage norefvalue numdgt oldlimit
    opts pivrel pivtol post ramptime rawfile reltol savecurrents scalm seed seedinfo sparse srcsteps trtol trytocompact vntol warn wnflag
    xmu xtrtol
"""

HARMLESS = frozenset(_HARMLESS.split())
"""Options that leave an operating point as it is: of waveforms, of output, and of how ngspice iterates, where hwsim states its own."""

_ITERATING = """
    abstol bypass chgtol convabsstep convlimit convstep copynodesets cshunt dlevel gminfactor gminsteps gshunt indverbosity itl1 itl2 itl3
    itl4 itl5 itl6 lteabstol ltereltol maxevtiter maxopalter maxord method minbreak mu newtrunc nodedamping noopac noopalter noopiter
    oldlimit pivrel pivtol ramptime reltol scalm srcsteps trtol trytocompact vntol xmu xtrtol
"""

MEANT = OF_CIRCUITS | frozenset(_ITERATING.split())
"""Options that change an operating point or how ngspice iterates towards it; the others name what it prints and writes."""
