"""Physical units as type annotations: `Siemens` is a float that is meant in S. Everything is SI; prefixes are for printing."""

from typing import Annotated

Volt = Annotated[float, "V"]
Ampere = Annotated[float, "A"]
ElectronVolt = Annotated[float, "eV"]
Siemens = Annotated[float, "S"]
Ohm = Annotated[float, "ohm"]
Farad = Annotated[float, "F"]
Kelvin = Annotated[float, "K"]
PerKelvin = Annotated[float, "1/K"]
Second = Annotated[float, "s"]
Hertz = Annotated[float, "Hz"]
Byte = Annotated[float, "B"]
Watt = Annotated[float, "W"]
Joule = Annotated[float, "J"]
